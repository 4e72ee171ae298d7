// The record of an execution as it begins, before anything is known of it. Written by the supervisor that starts it, and
// by the session for one whose supervisor is lost.
import type { ExecutionRecord } from "../contract/execute.ts";

export interface ExecutionStart {
  readonly executionId: string;
  readonly code?: string | undefined;
  readonly command?: string | undefined;
  readonly workingDir: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

export function newExecutionRecord(start: ExecutionStart): ExecutionRecord {
  return {
    executionId: start.executionId,
    outcome: "running",
    reason: null,
    code: start.code ?? null,
    command: start.command ?? null,
    workingDir: start.workingDir,
    background: false,
    pid: null,
    startedAt: new Date(start.startedAt).toISOString(),
    endedAt: null,
    executionTime: null,
    exitCode: null,
    signal: null,
    memoryUsed: null,
    cpuTime: null,
    outputBytes: 0,
    truncated: false,
    filesWritten: [],
  };
}
