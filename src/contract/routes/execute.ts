// Executions and processes.
import * as z from "zod";
import {
  ExecuteAnswer,
  ExecuteRequest,
  ExecutionId,
  ExecutionList,
  ExecutionRecord,
  KillAnswer,
  KillRequest,
  OutputPage,
  ProcessList,
} from "../execute.ts";
import { intQuery, Paging } from "../primitives.ts";
import { InContainer, OfSession, route } from "../route.ts";
import { SessionRef } from "../session.ts";

const OfExecution = z.object({ id: SessionRef, executionId: ExecutionId });

export const EXECUTE = {
  execute: route({
    method: "post",
    path: "/execute",
    tag: "Execute",
    scope: "execute",
    summary: "Run code or a command",
    body: ExecuteRequest,
    answers: { 200: { json: ExecuteAnswer, sse: true } },
    idempotent: true,
    errors: [
      ...InContainer,
      "session_limit_exceeded",
      "conflict",
      "forbidden",
      "payload_too_large",
      "memory_limit_exceeded",
      "disk_full",
    ],
  }),
  kill: route({
    method: "post",
    path: "/execution/kill",
    tag: "Execute",
    scope: "execute",
    summary: "End one process with its group, or all of a session's",
    body: KillRequest,
    answers: { 200: { json: KillAnswer } },
    errors: [...InContainer, "process_not_found", "payload_too_large"],
  }),
  listProcesses: route({
    method: "get",
    path: "/sessions/{id}/processes",
    tag: "Execute",
    scope: "sessions:read",
    summary: "List running processes",
    params: OfSession,
    answers: { 200: { json: ProcessList } },
    errors: InContainer,
  }),
  listExecutions: route({
    method: "get",
    path: "/sessions/{id}/executions",
    tag: "Execute",
    scope: "execute",
    summary: "List executions, newest first",
    params: OfSession,
    query: Paging,
    answers: { 200: { json: ExecutionList } },
    errors: InContainer,
  }),
  getExecution: route({
    method: "get",
    path: "/sessions/{id}/executions/{executionId}",
    tag: "Execute",
    scope: "execute",
    summary: "Get the record of an execution",
    params: OfExecution,
    answers: { 200: { json: ExecutionRecord } },
    errors: [...InContainer, "execution_not_found"],
  }),
  getOutput: route({
    method: "get",
    path: "/sessions/{id}/executions/{executionId}/output",
    tag: "Execute",
    scope: "execute",
    summary: "Get an execution's output after a sequence number; with `accept: text/event-stream`, follow it",
    params: OfExecution,
    query: z.object({
      after: intQuery({ min: 0, max: 999_999_999, default: 0 }),
      until: z.enum(["end", "answer"]).default("end").meta({
        description: "Where a stream of events ends: with the output, or once it goes on in the background, too",
      }),
    }),
    answers: { 200: { json: OutputPage, sse: true } },
    errors: [...InContainer, "execution_not_found"],
  }),
} as const;
