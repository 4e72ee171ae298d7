// Executions on the wire: one call of execute, its answer, its durable record.
import * as z from "zod";
import { ContextRun } from "./contexts.ts";
import { EXECUTION_ID } from "./ids.ts";
import { LanguageName } from "./language.ts";
import { SOURCE_BYTES, STDIN_BYTES } from "./limits.ts";
import { Encoding, Environment, IsoTime, Text, WorkspacePath } from "./primitives.ts";
import { FileInput } from "./files.ts";
import { SessionRef } from "./session.ts";

export const ExecutionId = z.string().regex(EXECUTION_ID, "is not an execution id");

export const ExecuteRequest = z
  .strictObject({
    sessionId: SessionRef.optional().meta({
      description: "Absent: a session of its own, destroyed as soon as the call has answered",
    }),
    code: Text.max(SOURCE_BYTES)
      .optional()
      .meta({ description: "JavaScript, TypeScript, JSX or TSX, unless `language` says otherwise" }),
    language: LanguageName.optional().meta({
      description: "What `code` is in. Absent: JavaScript or TypeScript, run by Bun",
    }),
    internet: z.boolean().optional().meta({
      description:
        "Without `sessionId`: whether the code may reach the network; default: true. A session has its own setting",
    }),
    command: Text.min(1).max(SOURCE_BYTES).optional().meta({ description: "A shell command, run by `sh -c`" }),
    files: z.array(FileInput).default([]).meta({ description: "Written before anything runs" }),
    env: Environment.default({}),
    timeout: z.number().positive().max(300).optional().meta({ description: "Seconds; default: the session's, 30" }),
    workingDir: WorkspacePath.default("/workspace"),
    stdin: Text.max(STDIN_BYTES).optional(),
    background: z.boolean().optional().meta({
      description:
        "`true`: answer as soon as it has started. `false`: wait for its end. Absent: answer when it ends or listens",
    }),
    encoding: Encoding.default("utf-8"),
    stream: z.boolean().default(false).meta({ description: "Answer with server-sent events" }),
    cancelOnDisconnect: z.boolean().default(false).meta({ description: "With `stream`: end it when the client goes" }),
  })
  .refine((request) => (request.code === undefined) !== (request.command === undefined), {
    message: "give exactly one of code and command",
    path: ["code"],
  })
  .refine((request) => request.language === undefined || request.code !== undefined, {
    message: "goes with code; a command names its own program",
    path: ["language"],
  })
  .refine((request) => request.internet === undefined || request.sessionId === undefined, {
    message: "goes without sessionId; PATCH the session to change it there",
    path: ["internet"],
  })
  .refine((request) => !(request.command?.includes("\0") ?? false), { message: "has a null byte", path: ["command"] })
  .meta({ id: "ExecuteRequest" });
export type ExecuteRequest = z.infer<typeof ExecuteRequest>;

export const ExecuteAnswer = z
  .object({
    executionId: ExecutionId,
    stdout: z.string(),
    stderr: z.string(),
    encoding: Encoding,
    exitCode: z.int().nullable().meta({ description: "null when a signal ended it or it still runs" }),
    signal: z
      .string()
      .nullable()
      .meta({ examples: ["SIGTERM"] }),
    executionTime: z.number().meta({ description: "Milliseconds" }),
    memoryUsed: z
      .int()
      .nullable()
      .meta({ description: "Peak resident bytes of its largest process, to within some 30 MB; null while it runs" }),
    cpuTime: z.number().nullable().meta({ description: "Milliseconds; null while it runs" }),
    timedOut: z.boolean(),
    truncated: z.boolean().meta({ description: "A stream was longer than 1 MiB; the record has more of it" }),
    background: z.boolean().meta({ description: "It lives on under `pid`" }),
    pid: z.int().nullable(),
    filesWritten: z.array(z.string()).meta({ description: "Paths created or changed in /workspace" }),
  })
  .meta({ id: "ExecuteAnswer" });
export type ExecuteAnswer = z.infer<typeof ExecuteAnswer>;

/** How an execution ended. `unknown`: the container was lost while it ran. Never made up. */
export const Outcome = z.enum(["running", "exited", "killed", "timed_out", "unknown"]);
export type Outcome = z.infer<typeof Outcome>;

/** Why an execution was `killed`. */
export const KillReason = z.enum([
  "requested",
  "disconnected",
  "memory_limit_exceeded",
  "disk_full",
  "signal",
  "shutdown",
]);
export type KillReason = z.infer<typeof KillReason>;

export const ExecutionRecord = z
  .object({
    executionId: ExecutionId,
    outcome: Outcome,
    reason: KillReason.nullable(),
    code: z.string().nullable(),
    command: z.string().nullable(),
    workingDir: z.string(),
    background: z.boolean(),
    pid: z.int().nullable(),
    startedAt: IsoTime,
    endedAt: IsoTime.nullable(),
    executionTime: z.number().nullable(),
    exitCode: z.int().nullable(),
    signal: z.string().nullable(),
    memoryUsed: z.int().nullable(),
    cpuTime: z.number().nullable(),
    outputBytes: z.int(),
    truncated: z.boolean().meta({ description: "More than 16 MiB was printed; the rest was not kept" }),
    filesWritten: z.array(z.string()),
    context: ContextRun.nullable().meta({ description: "Of a run in a context; its code is in `code`" }),
  })
  .meta({ id: "ExecutionRecord" });
export type ExecutionRecord = z.infer<typeof ExecutionRecord>;

export const ExecutionList = z
  .object({ executions: z.array(ExecutionRecord), total: z.int() })
  .meta({ id: "ExecutionList", description: "Newest first" });
export type ExecutionList = z.infer<typeof ExecutionList>;

/** One piece of output. `seq` counts from 1 per execution, over all streams. */
export const OutputChunk = z
  .object({
    seq: z.int().positive(),
    stream: z.enum(["stdout", "stderr", "result"]).meta({
      description: "result: of a run in a context; `data` is one Result as JSON text",
    }),
    data: z.string(),
    encoding: Encoding.meta({ description: "base64 where the bytes are not UTF-8" }),
  })
  .meta({ id: "OutputChunk" });
export type OutputChunk = z.infer<typeof OutputChunk>;

export const OutputPage = z
  .object({
    chunks: z.array(OutputChunk),
    lastSeq: z.int().nonnegative().meta({ description: "Give it as `after` to go on" }),
    done: z.boolean().meta({ description: "It has ended and nothing follows" }),
    outcome: Outcome,
  })
  .meta({ id: "OutputPage" });
export type OutputPage = z.infer<typeof OutputPage>;

export const KillRequest = z
  .strictObject({
    sessionId: SessionRef,
    pid: z.int().positive().optional().meta({
      description: "Absent: every process of the session. Services are killed too, and started again after a pause",
    }),
    signal: z
      .enum(["SIGTERM", "SIGKILL", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGSTOP", "SIGCONT"])
      .optional()
      .meta({ description: "Absent: SIGTERM, and SIGKILL two seconds later for what is left" }),
  })
  .meta({ id: "KillRequest" });
export type KillRequest = z.infer<typeof KillRequest>;

export const KillAnswer = z.object({ killed: z.int(), pids: z.array(z.int()) }).meta({ id: "KillAnswer" });
export type KillAnswer = z.infer<typeof KillAnswer>;

export const Process = z
  .object({
    pid: z.int(),
    parentPid: z.int(),
    command: z.string(),
    executionId: ExecutionId.nullable(),
    startedAt: IsoTime,
    memory: z.int().meta({ description: "Resident bytes" }),
    cpu: z.number().meta({ description: "CPU time so far, milliseconds" }),
    ports: z.array(z.int()).meta({ description: "TCP ports it listens on" }),
  })
  .meta({ id: "Process" });
export type Process = z.infer<typeof Process>;

/** A service as it is doing. */
export const ServiceStatus = z
  .object({
    name: z.string(),
    command: z.string(),
    port: z.int().nullable(),
    status: z
      .enum(["starting", "running", "waiting", "stopped"])
      .meta({ description: "waiting: it ended and is started again after a pause. stopped: the session sleeps" }),
    pid: z.int().nullable(),
    startedAt: IsoTime.nullable(),
    restarts: z.int().nonnegative(),
    lastExit: z
      .string()
      .nullable()
      .meta({ examples: ["exit code 1", "SIGSEGV"] }),
    log: z.array(z.string()).meta({ description: "The last lines that it printed" }),
  })
  .meta({ id: "ServiceStatus" });
export type ServiceStatus = z.infer<typeof ServiceStatus>;

/** Why a session's container ended, and what ended with it. */
export const ContainerEnd = z
  .object({
    at: IsoTime,
    reason: z.enum(["deep-sleep", "restore", "lost"]),
    processes: z
      .array(z.object({ pid: z.int(), command: z.string(), executionId: ExecutionId.nullable() }))
      .meta({ description: "What ran then; after a loss, what was last seen to run" }),
  })
  .meta({ id: "ContainerEnd" });
export type ContainerEnd = z.infer<typeof ContainerEnd>;

export const ProcessList = z
  .object({
    processes: z.array(Process),
    services: z.array(ServiceStatus),
    ended: ContainerEnd.nullable().meta({ description: "When and why its last container ended; null: none has" }),
  })
  .meta({ id: "ProcessList" });
export type ProcessList = z.infer<typeof ProcessList>;
