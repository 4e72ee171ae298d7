// Sessions: create, look at, change, delete.
import * as z from "zod";
import { SESSION_QUERY_CHARACTERS, TAGS } from "../limits.ts";
import { Paging } from "../primitives.ts";
import { InContainer, OfSession, route } from "../route.ts";
import {
  CreateSession,
  Session,
  SessionDeleted,
  SessionInfo,
  SessionList,
  SessionState,
  Tag,
  UpdateSession,
} from "../session.ts";

const TagQuery = z
  .string()
  .transform((list) => list.split(",").map((tag) => tag.trim()))
  .pipe(z.array(Tag).max(TAGS.most))
  .meta({
    override: { type: "string" },
    description: "Only those that have this tag; several separated by commas: all of them",
    examples: ["data-analysis"],
  });
const WordsQuery = z
  .string()
  .max(SESSION_QUERY_CHARACTERS)
  .meta({ description: "Only those in whose name, description or tags each of these words occurs, in whatever case" });

export const SESSIONS = {
  createSession: route({
    method: "post",
    path: "/sessions",
    aliases: ["/sessions/create"],
    tag: "Sessions",
    scope: "sessions:write",
    summary: "Create a session. Its container starts in the background, or with the first call that needs it",
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
    query: Paging.extend({
      state: SessionState.optional(),
      tag: TagQuery.optional(),
      q: WordsQuery.optional(),
    }).catchall(z.string()),
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
    summary: "Change a session: its time to live, name, metadata, tags, services and more",
    params: OfSession,
    body: UpdateSession,
    answers: { 200: { json: Session } },
    errors: [...InContainer, "conflict", "payload_too_large", "storage_unavailable"],
  }),
  sleepSession: route({
    method: "post",
    path: "/sessions/{id}/sleep",
    tag: "Sessions",
    scope: "sessions:write",
    summary: "Put a session into deep sleep now: its files are saved, its container is released",
    params: OfSession,
    answers: { 200: { json: Session } },
    errors: [...InContainer, "conflict", "storage_unavailable"],
  }),
  wakeSession: route({
    method: "post",
    path: "/sessions/{id}/wake",
    tag: "Sessions",
    scope: "sessions:write",
    summary: "Wake a session: its container is up, its files are restored, its services are started",
    params: OfSession,
    answers: { 200: { json: Session } },
    errors: InContainer,
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
