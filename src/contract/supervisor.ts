// The wire between a session's Durable Object and the supervisor in its container: HTTP on CONTROL_PORT, every
// request with `authorization: Bearer <token>`, the token being new at every start of the container. Types only: both
// ends are ours and released together, and the supervisor must stay small. Bodies that a client sees in the end have
// the client's shape already (./execute.ts, ./files.ts, ./processes.ts), errors too (./errors.ts, without requestId).
//
//   GET    /health                              Health
//   GET    /stats                               WorkspaceStats
//   POST   /execute            ExecuteCommand   ExecuteAnswer, or SSE when `stream`
//   POST   /kill               KillCommand      KillAnswer
//   GET    /processes                           ProcessList
//   GET    /executions?limit&offset             ExecutionList
//   GET    /executions/:id                      ExecutionRecord
//   GET    /executions/:id/output?after         OutputPage, or SSE for `accept: text/event-stream`
//   GET HEAD PUT DELETE /raw/<path>             bytes; `recursive=true` on DELETE
//   GET    /files/read?path                     FileContent
//   GET    /files/list?path&recursive&limit&offset   FileList
//   POST   /files/write        {files}          {files: [{path, size}]}
//   POST   /files/move         {from, to, overwrite}  FileEntry
//   POST   /files/mkdir        {path}           FileEntry
//   DELETE /files?path&recursive                {deleted: true, path}
//   GET    /files/search?q&glob&limit           SearchAnswer
//   GET PUT /archive                            .tar.gz of the workspace

import type { FileInput } from "./files.ts";

/** Environment that the Durable Object gives to `container.start()`. */
export interface SupervisorEnvironment {
  /** Opens the control port. 256 random bits, hex. */
  readonly BUNTIME_TOKEN: string;
  readonly BUNTIME_MEMORY_MB: string;
  readonly BUNTIME_DISK_MB: string;
}

export interface Health {
  readonly status: "ok";
  /** New whenever the supervisor starts: what ran under another one is lost. */
  readonly bootId: string;
}

export interface WorkspaceStats {
  readonly filesCount: number;
  readonly diskUsed: number;
  readonly activeProcesses: number;
}

export interface ExecuteCommand {
  /** Made by the session, so that it can ask what became of a call whose connection broke. */
  readonly executionId: string;
  readonly code?: string | undefined;
  readonly command?: string | undefined;
  readonly files: readonly FileInput[];
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly workingDir: string;
  readonly stdin?: string | undefined;
  /** `true`: answer as soon as it has started. `false`: never leave it running. Absent: the automatic rule. */
  readonly background?: boolean | undefined;
  readonly encoding: "utf-8" | "base64";
  readonly stream: boolean;
  readonly cancelOnDisconnect: boolean;
}

export interface KillCommand {
  readonly pid?: number | undefined;
  readonly signal?: string | undefined;
}
