// Contexts: interpreters that keep their variables.
import * as z from "zod";
import { RunAnswer, RunRequest } from "../context-run.ts";
import { Context, ContextDeleted, ContextId, ContextInterrupted, ContextList, CreateContext } from "../contexts.ts";
import { InContainer, OfSession, route } from "../route.ts";
import { SessionRef } from "../session.ts";

const OfContext = z.object({ id: SessionRef, contextId: ContextId });
const InContext = [...InContainer, "context_not_found"] as const;

export const CONTEXT_ROUTES = {
  createContext: route({
    method: "post",
    path: "/sessions/{id}/contexts",
    tag: "Contexts",
    scope: "execute",
    summary: "Create a context: an interpreter that keeps its variables from run to run",
    params: OfSession,
    body: CreateContext,
    answers: { 201: { json: Context } },
    idempotent: true,
    errors: [...InContainer, "conflict", "payload_too_large", "disk_full"],
  }),
  listContexts: route({
    method: "get",
    path: "/sessions/{id}/contexts",
    tag: "Contexts",
    scope: "sessions:read",
    summary: "List contexts, oldest first. Neither wakes the session nor keeps it awake",
    params: OfSession,
    answers: { 200: { json: ContextList } },
    errors: InContainer,
  }),
  getContext: route({
    method: "get",
    path: "/sessions/{id}/contexts/{contextId}",
    tag: "Contexts",
    scope: "sessions:read",
    summary: "Get a context. Neither wakes the session nor keeps it awake",
    params: OfContext,
    answers: { 200: { json: Context } },
    errors: InContext,
  }),
  runInContext: route({
    method: "post",
    path: "/sessions/{id}/contexts/{contextId}/run",
    tag: "Contexts",
    scope: "execute",
    summary: "Run code in a context. Runs of one context are done in the order in which they come",
    params: OfContext,
    body: RunRequest,
    answers: { 200: { json: RunAnswer, sse: true } },
    idempotent: true,
    errors: [...InContext, "conflict", "payload_too_large", "memory_limit_exceeded", "disk_full"],
  }),
  interruptContext: route({
    method: "post",
    path: "/sessions/{id}/contexts/{contextId}/interrupt",
    tag: "Contexts",
    scope: "execute",
    summary: "Interrupt the run of a context. Its variables stay",
    params: OfContext,
    answers: { 200: { json: ContextInterrupted } },
    errors: InContext,
  }),
  deleteContext: route({
    method: "delete",
    path: "/sessions/{id}/contexts/{contextId}",
    tag: "Contexts",
    scope: "execute",
    summary: "Delete a context with its variables; what runs in it is ended",
    params: OfContext,
    answers: { 200: { json: ContextDeleted } },
    errors: InContext,
  }),
} as const;
