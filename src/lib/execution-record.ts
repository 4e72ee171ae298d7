// The record of an execution: as it begins, before anything is known of it, and as it is kept in the workspace, where the
// supervisor writes it and a sleeping session reads it. Pure.
import type { ExecutionRecord, OutputChunk } from "../contract/execute.ts";
import { RECORD_OUTPUT_BYTES, RECORDS_KEPT, RECORDS_OUTPUT_BYTES } from "../contract/limits.ts";

export interface ExecutionStart {
  readonly executionId: string;
  readonly code?: string | undefined;
  readonly command?: string | undefined;
  /** The id of the context that it runs in. */
  readonly context?: string | undefined;
  readonly workingDir: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

export function newExecutionRecord({ context, ...start }: ExecutionStart): ExecutionRecord {
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
    context: context === undefined ? null : { contextId: context, error: null, dropped: [], lost: null },
  };
}

/** Files of lines, each a StoredRecord; of those about one execution the last one counts. In order of their numbers. */
export const JOURNAL_NAME = /^records-(\d{6})\.jsonl$/;
/** The output of an execution, where it is not in its record: an OutputChunk per line. */
export const OUTPUT_NAME = /^(exe_[0-9a-z]{20})\.jsonl$/;
/** Of `code` and `command` in a list; the record itself has the whole. */
const LISTED_SOURCE_CHARS = 2000;

/** A line of the journal. */
export interface StoredRecord extends ExecutionRecord {
  output?: readonly OutputChunk[];
  /** It could not be started: as if it had never been. */
  forgotten?: true;
}

/** Null for a line that was cut off, and for what is no record. */
export function parseRecord(line: string): StoredRecord | null {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null || !("executionId" in value)) {
      return null;
    }
    // SAFETY: only the supervisor writes in this directory, and it writes StoredRecords. One that was written before there
    // were contexts does not say that it ran in none.
    return Object.assign<Pick<StoredRecord, "context">, StoredRecord>({ context: null }, value as StoredRecord);
  } catch {
    return null;
  }
}

export function recordOf(stored: StoredRecord): ExecutionRecord {
  const record = { ...stored };
  delete record.output;
  return record;
}

/** As it is listed. */
export function summaryOf(stored: StoredRecord): ExecutionRecord {
  const record = recordOf(stored);
  return { ...record, code: shorten(record.code), command: shorten(record.command) };
}

function shorten(source: string | null): string | null {
  return (source?.length ?? 0) > LISTED_SOURCE_CHARS ? `${source?.slice(0, LISTED_SOURCE_CHARS)}…` : source;
}

interface Kept {
  readonly id: string;
  readonly outputBytes: number;
  readonly running: boolean;
}

/** Those that are over the limits: the oldest that have ended. `entries`: in order of their start. */
export function surplusOf<T extends Kept>(entries: readonly T[]): T[] {
  const sizeOf = ({ outputBytes }: Kept): number => Math.min(outputBytes, RECORD_OUTPUT_BYTES);
  const surplus: T[] = [];
  let bytes = entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
  for (const entry of entries) {
    if (entries.length - surplus.length <= RECORDS_KEPT && bytes <= RECORDS_OUTPUT_BYTES) {
      break;
    }
    if (!entry.running) {
      bytes -= sizeOf(entry);
      surplus.push(entry);
    }
  }
  return surplus;
}

export function unknownExecution(id: string): string {
  return `There is no execution ${id} in this session`;
}
