// The wire between a session's Durable Object and the supervisor in its container: HTTP on CONTROL_PORT, every
// request with `authorization: Bearer <token>`, the token being new at every start of the container. Types, mostly: both
// ends are ours and released together, and the supervisor must stay small. Bodies that a client sees in the end have
// the client's shape already (./execute.ts, ./files.ts, ./processes.ts), errors too (./errors.ts, without requestId).
//
//   GET    /health                              Health
//   GET    /stats                               WorkspaceStats
//   POST   /execute            ExecuteCommand   ExecuteAnswer, or SSE when `stream`
//   POST   /kill               KillCommand      KillAnswer
//   POST   /stop                                {stopped: true}: ends all but interpreters of contexts, whose runs it interrupts
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
//   POST   /freeze                              FreezeAnswer: stops user processes, unless an execution is waited for
//   POST   /thaw                                {thawed: true}; at once when nothing is frozen
//   GET    /watch                               WatchAnswer: held for WATCH_MS, or until it is told to end
//   POST   /contexts           ContextCommand   Context; the same id again: the one that is there
//   GET    /contexts                            ContextList
//   GET    /contexts/:id                        Context
//   DELETE /contexts/:id                        ContextDeleted
//   POST   /contexts/:id/interrupt              ContextInterrupted
//   GET    /terminal?id&create&command&cols&rows&after&ack   a WebSocket, as in ./terminal.ts; also where it is refused
//   GET    /terminals?limit&offset              TerminalList
//   DELETE /terminals/:id                       TerminalClosed
//   PUT    /services           ServicesCommand  {services: ServiceStatus[]}: as soon as they were started in order
//
// Saving. One snapshot at a time; a new one ends the one before it.
//   POST   /snapshot           SnapshotCommand  SnapshotBegun
//   PUT    /snapshot/base      a bundle         SnapshotBegun; the manifest of SnapshotCommand.base, when it asked for it
//   POST   /snapshot/next                       the next object's bytes, with OBJECT_HEADER; the last one is the root,
//                                               with ROOT_HEADER; {} after it. May be called by two at a time.
//   POST   /snapshot/commit    {root: digest}   {}: it is stored; the next one is made against it
//   DELETE /snapshot                            {}: given up
// Restoring. Into a fresh tree beside the workspace; one at a time; a new one ends the one before it.
//   POST   /restore?path       a bundle         RestorePlan
//   PUT    /restore/<pack>     a pack's bytes   {}; several at a time; `conflict` with details.pack where it is damaged
//   POST   /restore/finish                      RestoreDone: the tree was swapped in

import type { ContextLanguage, LostContext } from "./contexts.ts";
import type { FileInput } from "./files.ts";
import type { ImageName, Language } from "./language.ts";
import type { Digest } from "./manifest.ts";
import type { Service } from "./session.ts";

/** Environment that the Durable Object gives to `container.start()`. */
export interface SupervisorEnvironment {
  /** Opens the control port. 256 random bits, hex. */
  readonly BUNTIME_TOKEN: string;
  readonly BUNTIME_MEMORY_MB: string;
  readonly BUNTIME_DISK_MB: string;
  /** `0`: the container has no way to the network. It is not the supervisor that sees to that. */
  readonly BUNTIME_INTERNET: "0" | "1";
  /** The name of the image, for what is said of it. */
  readonly BUNTIME_IMAGE: ImageName;
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
  /** Resident bytes of them all. */
  readonly memoryUsed: number;
}

/** Put on each object that a supervisor gives to be stored: its SHA-256. */
export const OBJECT_HEADER = "x-buntime-object";
/** On the last one: it is the root of the snapshot. */
export const ROOT_HEADER = "x-buntime-root";

/** How long `/watch` is held at the most. */
export const WATCH_MS = 60_000;

export interface WatchAnswer {
  /**
   * `terminating`: the container was told to end and waits, for LAST_SAVE_MS, for its workspace to be saved: for the
   * commit of a snapshot that was begun after this answer. Who watches again meanwhile is told a second time, once
   * executions that ran have been ended and recorded. Nothing but reading and saving is accepted any more.
   */
  readonly event: "none" | "terminating";
}

export interface FreezeAnswer {
  readonly frozen: boolean;
  /** Executions that somebody waits for, or that have not been let into the background; calls that change files. */
  readonly busy: number;
}

export interface ServicesCommand {
  readonly services: readonly Service[];
}

export interface SnapshotCommand {
  /** Digest of the root of the newest snapshot; null: everything is sent. */
  readonly base: Digest | null;
  /** Packs that must not be relied on, since they are damaged. */
  readonly avoid: readonly Digest[];
}

export interface SnapshotBegun {
  /** True: put the manifest of `base` first. The supervisor knows what it has saved or restored itself. */
  readonly needsBase: boolean;
}

export interface RestorePlan {
  /** Packs to be put, in any order. */
  readonly packs: readonly Digest[];
}

export interface RestoreDone {
  readonly files: number;
  readonly sizeBytes: number;
}

export interface ExecuteCommand {
  /** Made by the session, so that it can ask what became of a call whose connection broke. */
  readonly executionId: string;
  readonly code?: string | undefined;
  /** Of `code`. Absent: JavaScript or TypeScript. */
  readonly language?: Language | undefined;
  readonly command?: string | undefined;
  /** Its id: `code` is run there, see above KillCommand. Absent: in a process of its own. */
  readonly context?: string | undefined;
  /** With `context`. */
  readonly loss?: LostContext | undefined;
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

// A run in a context is an execution with `context`: POST /execute, answered with a RunAnswer in place of the
// ExecuteAnswer. It shares all that an execution has:
// - its id is reserved and used once (`conflict`), its record is begun before the interpreter sees the code and says in the
//   end how it went, with `context` (ContextRun) set. ExecutionRecord.outcome: `exited` where the interpreter answered
//   (exitCode 0 or 1), also after an interrupt; `timed_out` after an interrupt for time, whether the context survived it or
//   not; `killed` with its reason where the interpreter ended otherwise (exitCode null, `signal`). Memory and disk limits
//   answer with the problems of any execution.
// - what it shows goes into its OutputLog as a chunk of the stream `result`: `data` is the Result as JSON text, one chunk
//   for each Result, never merged with its neighbour. So a stream has it as the event `result` {seq, result}
//   (lib/output-events.ts), /output hands it out again, and an answer that was lost on its way is made anew from record and
//   output (src/session/record-answer.ts).
// - it counts as busy from its arrival to its answer, waiting for its turn included, so nothing freezes or saves under it;
//   `timeoutMs` counts from its arrival. One whose time is up before its turn never starts: `timedOut`, exitCode null.
// - `pid` is the interpreter's, `background` false, `files` empty, `stdin` absent.
// - `loss` tells how the session last lost its container, which nobody inside can know. When the interpreter of a context is
//   started from what was saved, and the start before it (StoredContext.startedAt; else createdAt) was earlier than `loss.at`,
//   that run's `lost` is `loss`. A lost interpreter that the supervisor has seen for itself comes first.
// What a context is outlives its interpreter in a file that a sleeping session reads: lib/context-record.ts.

/** `id` is made by the platform, so that a call which is sent again makes no second one. */
export interface ContextCommand {
  readonly id: string;
  readonly language: ContextLanguage;
  readonly name: string | null;
  readonly workingDir: string;
}

export interface KillCommand {
  readonly pid?: number | undefined;
  readonly signal?: string | undefined;
}
