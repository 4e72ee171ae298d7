// The route table: every operation of the API, once. The server is built from it (http/bind.ts), the OpenAPI document
// is generated from it (http/openapi.ts), clients are checked against it. Paths are relative to `/api`.
import * as z from "zod";
import type { ErrorCode } from "./errors.ts";
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
} from "./execute.ts";
import {
  DeleteQuery,
  FileContent,
  FileDeleted,
  FileEntry,
  FileList,
  FileQuery,
  FilesWritten,
  ListQuery,
  MakeDirectory,
  MoveFile,
  SearchAnswer,
  SearchQuery,
  WriteFiles,
} from "./files.ts";
import { booleanQuery, intQuery, Paging, WorkspacePath } from "./primitives.ts";
import {
  CreateSession,
  Session,
  SessionDeleted,
  SessionInfo,
  SessionList,
  SessionRef,
  SessionState,
  UpdateSession,
} from "./session.ts";

type Method = "get" | "put" | "post" | "patch" | "delete" | "head";
/** What a success carries: JSON of a schema, or bytes of a media type. */
type Answer = { readonly json: z.ZodType; readonly sse?: true } | { readonly bytes: string } | { readonly empty: true };

export interface Route {
  readonly method: Method;
  /** `{name}` for a parameter; `{path}` at the end takes the rest, slashes included. */
  readonly path: string;
  /** Other paths that do the same. */
  readonly aliases?: readonly string[];
  readonly tag: "Sessions" | "Execute" | "Files" | "Meta";
  readonly summary: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** The body is bytes, passed through as a stream. */
  readonly upload?: string;
  readonly answers: Readonly<Record<number, Answer>>;
  /** Beyond `invalid_request`, `unauthorized` and `internal_error`, which every route can give. */
  readonly errors: readonly ErrorCode[];
}

const route = <const R extends Route>(definition: R): R => definition;

const OfSession = z.object({ id: SessionRef });
const OfExecution = z.object({ id: SessionRef, executionId: ExecutionId });
const OfFile = z.object({ id: SessionRef, path: WorkspacePath });
const InContainer = ["session_not_found", "container_unavailable", "execution_timeout"] as const;

export const ROUTES = {
  createSession: route({
    method: "post",
    path: "/sessions",
    aliases: ["/sessions/create"],
    tag: "Sessions",
    summary: "Create a session. Its container starts in the background",
    body: CreateSession,
    answers: { 201: { json: Session } },
    errors: ["conflict", "forbidden", "payload_too_large"],
  }),
  listSessions: route({
    method: "get",
    path: "/sessions",
    tag: "Sessions",
    summary: "List sessions, newest first. `metadata.<key>=<value>` filters by metadata",
    query: Paging.extend({ state: SessionState.optional() }).catchall(z.string()),
    answers: { 200: { json: SessionList } },
    errors: [],
  }),
  getSession: route({
    method: "get",
    path: "/sessions/{id}",
    tag: "Sessions",
    summary: "Get a session. Never starts its container",
    params: OfSession,
    answers: { 200: { json: SessionInfo } },
    errors: ["session_not_found"],
  }),
  updateSession: route({
    method: "patch",
    path: "/sessions/{id}",
    tag: "Sessions",
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
    summary: "Delete a session and everything it holds",
    params: OfSession,
    answers: { 200: { json: SessionDeleted } },
    errors: ["session_not_found"],
  }),

  execute: route({
    method: "post",
    path: "/execute",
    tag: "Execute",
    summary: "Run code or a command",
    body: ExecuteRequest,
    answers: { 200: { json: ExecuteAnswer, sse: true } },
    errors: [...InContainer, "forbidden", "payload_too_large", "memory_limit_exceeded", "disk_full"],
  }),
  kill: route({
    method: "post",
    path: "/execution/kill",
    tag: "Execute",
    summary: "End one process with its group, or all of a session's",
    body: KillRequest,
    answers: { 200: { json: KillAnswer } },
    errors: [...InContainer, "process_not_found", "payload_too_large"],
  }),
  listProcesses: route({
    method: "get",
    path: "/sessions/{id}/processes",
    tag: "Execute",
    summary: "List running processes",
    params: OfSession,
    answers: { 200: { json: ProcessList } },
    errors: InContainer,
  }),
  listExecutions: route({
    method: "get",
    path: "/sessions/{id}/executions",
    tag: "Execute",
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
    summary: "Get the record of an execution",
    params: OfExecution,
    answers: { 200: { json: ExecutionRecord } },
    errors: [...InContainer, "execution_not_found"],
  }),
  getOutput: route({
    method: "get",
    path: "/sessions/{id}/executions/{executionId}/output",
    tag: "Execute",
    summary: "Get an execution's output after a sequence number; with `accept: text/event-stream`, follow it",
    params: OfExecution,
    query: z.object({ after: intQuery({ min: 0, max: 999_999_999, default: 0 }) }),
    answers: { 200: { json: OutputPage, sse: true } },
    errors: [...InContainer, "execution_not_found"],
  }),

  writeFiles: route({
    method: "post",
    path: "/files/write",
    tag: "Files",
    summary: "Write one file or many. Parents are made",
    body: WriteFiles,
    answers: { 200: { json: FilesWritten } },
    errors: [...InContainer, "payload_too_large", "disk_full", "conflict"],
  }),
  readFile: route({
    method: "get",
    path: "/files/read",
    tag: "Files",
    summary: "Read a file as JSON",
    query: FileQuery,
    answers: { 200: { json: FileContent } },
    errors: [...InContainer, "file_not_found", "payload_too_large"],
  }),
  listFiles: route({
    method: "get",
    path: "/files/list",
    tag: "Files",
    summary: "List a directory",
    query: ListQuery,
    answers: { 200: { json: FileList } },
    errors: [...InContainer, "file_not_found"],
  }),
  deleteFile: route({
    method: "delete",
    path: "/files",
    tag: "Files",
    summary: "Delete a file or, with `recursive=true`, a directory",
    query: DeleteQuery,
    answers: { 200: { json: FileDeleted } },
    errors: [...InContainer, "file_not_found", "conflict"],
  }),
  moveFile: route({
    method: "post",
    path: "/files/move",
    tag: "Files",
    summary: "Move or rename a file or directory",
    body: MoveFile,
    answers: { 200: { json: FileEntry } },
    errors: [...InContainer, "file_not_found", "conflict", "payload_too_large"],
  }),
  makeDirectory: route({
    method: "post",
    path: "/files/mkdir",
    tag: "Files",
    summary: "Make a directory with its parents",
    body: MakeDirectory,
    answers: { 200: { json: FileEntry } },
    errors: [...InContainer, "conflict", "payload_too_large"],
  }),
  downloadFile: route({
    method: "get",
    path: "/sessions/{id}/files/{path}",
    tag: "Files",
    summary: "Download a file's bytes. `Range`, `If-None-Match` and `If-Match` are honoured; HEAD gives its headers",
    params: OfFile,
    answers: { 200: { bytes: "*/*" }, 206: { bytes: "*/*" }, 304: { empty: true } },
    errors: [...InContainer, "file_not_found", "precondition_failed", "range_not_satisfiable"],
  }),
  uploadFile: route({
    method: "put",
    path: "/sessions/{id}/files/{path}",
    tag: "Files",
    summary: "Upload a file's bytes. `If-Match` and `If-None-Match: *` guard against overwriting",
    params: OfFile,
    upload: "*/*",
    answers: { 200: { json: FileEntry }, 201: { json: FileEntry } },
    errors: [...InContainer, "precondition_failed", "disk_full", "conflict", "payload_too_large"],
  }),
  removeFile: route({
    method: "delete",
    path: "/sessions/{id}/files/{path}",
    tag: "Files",
    summary: "Delete a file or, with `recursive=true`, a directory",
    params: OfFile,
    query: z.object({ recursive: booleanQuery }),
    answers: { 200: { json: FileDeleted } },
    errors: [...InContainer, "file_not_found", "precondition_failed", "conflict"],
  }),
  searchFiles: route({
    method: "get",
    path: "/sessions/{id}/files/search",
    tag: "Files",
    summary: "Find lines that hold a text. A file of this very name is read by /files/read",
    params: OfSession,
    query: SearchQuery,
    answers: { 200: { json: SearchAnswer } },
    errors: InContainer,
  }),
  downloadArchive: route({
    method: "get",
    path: "/sessions/{id}/archive",
    tag: "Files",
    summary: "The workspace as .tar.gz",
    params: OfSession,
    answers: { 200: { bytes: "application/gzip" } },
    errors: InContainer,
  }),
  uploadArchive: route({
    method: "put",
    path: "/sessions/{id}/archive",
    tag: "Files",
    summary: "Unpack a .tar.gz into the workspace, over what is there",
    params: OfSession,
    upload: "application/gzip",
    answers: { 200: { json: z.object({ files: z.int().meta({ description: "Entries unpacked" }) }) } },
    errors: [...InContainer, "disk_full", "payload_too_large"],
  }),
} as const satisfies Record<string, Route>;
