// Sessions: create, look at, change, delete.
import * as z from "zod";
import { Paging } from "../primitives.ts";
import { OfSession, route } from "../route.ts";
import {
  CreateSession,
  Session,
  SessionDeleted,
  SessionInfo,
  SessionList,
  SessionState,
  UpdateSession,
} from "../session.ts";

export const SESSIONS = {
  createSession: route({
    method: "post",
    path: "/sessions",
    aliases: ["/sessions/create"],
    tag: "Sessions",
    scope: "sessions:write",
    summary: "Create a session. Its container starts in the background",
    body: CreateSession,
    answers: { 201: { json: Session } },
    idempotent: true,
    errors: ["session_limit_exceeded", "conflict", "forbidden", "payload_too_large"],
  }),
  listSessions: route({
    method: "get",
    path: "/sessions",
    tag: "Sessions",
    scope: "sessions:read",
    summary: "List sessions, newest first. `metadata.<key>=<value>` filters by metadata",
    query: Paging.extend({ state: SessionState.optional() }).catchall(z.string()),
    answers: { 200: { json: SessionList } },
    errors: [],
  }),
  getSession: route({
    method: "get",
    path: "/sessions/{id}",
    tag: "Sessions",
    scope: "sessions:read",
    summary: "Get a session. Never starts its container",
    params: OfSession,
    answers: { 200: { json: SessionInfo } },
    errors: ["session_not_found"],
  }),
  updateSession: route({
    method: "patch",
    path: "/sessions/{id}",
    tag: "Sessions",
    scope: "sessions:write",
    summary: "Change a session's time to live, metadata or name",
    params: OfSession,
    body: UpdateSession,
    answers: { 200: { json: Session } },
    errors: ["session_not_found", "conflict", "payload_too_large"],
  }),
  deleteSession: route({
    method: "delete",
    path: "/sessions/{id}",
    tag: "Sessions",
    scope: "sessions:write",
    summary: "Delete a session and everything it holds",
    params: OfSession,
    answers: { 200: { json: SessionDeleted } },
    errors: ["session_not_found"],
  }),
} as const;
