// The durable record of every execution: <id>.json, written before it starts and again at its end, beside <id>.jsonl
// with its output (output-file.ts). It outlives supervisor and container; an outcome is never made up.
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import type { ExecutionRecord } from "../../../src/contract/execute.ts";
import { RECORD_OUTPUT_BYTES, RECORDS_KEPT, RECORDS_OUTPUT_BYTES } from "../../../src/contract/limits.ts";
import { SupervisorError } from "../problem.ts";
import type { DataDirectory } from "./data-directory.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
/** Of `code` and `command` in a list; the record itself has the whole. */
const LISTED_SOURCE_CHARS = 2000;

/** What is known of each record without reading it. */
interface Entry {
  readonly id: string;
  readonly startedAt: string;
  outputBytes: number;
  running: boolean;
}

export class Records {
  readonly #directory: DataDirectory;
  /** Oldest first. */
  readonly #entries: Entry[];
  readonly #byId: Map<string, Entry>;

  constructor(directory: DataDirectory) {
    this.#directory = directory;
    this.#entries = this.#load();
    this.#byId = new Map(this.#entries.map((entry) => [entry.id, entry]));
    this.#markInterrupted();
  }

  /** @throws SupervisorError `conflict` when that id was used before. */
  begin(record: ExecutionRecord): RecordFile {
    const path = this.#path(record.executionId, "json");
    const entry: Entry = { id: record.executionId, startedAt: record.startedAt, outputBytes: 0, running: true };
    const file = new RecordFile(openNew(path, record.executionId), entry);
    file.write(record);
    this.#entries.push(entry);
    this.#byId.set(entry.id, entry);
    return file;
  }

  /** As if it had never been: for what could not be started. */
  forget(id: string): void {
    const at = this.#entries.findIndex((entry) => entry.id === id);
    if (at >= 0) this.#entries.splice(at, 1);
    this.#byId.delete(id);
    for (const extension of ["json", "jsonl"] as const) removeFile(this.#path(id, extension));
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** @throws SupervisorError `execution_not_found` */
  read(id: string): ExecutionRecord {
    const record = this.#byId.has(id) ? readRecord(this.#path(id, "json")) : null;
    if (record === null)
      throw new SupervisorError("execution_not_found", `There is no execution ${id} in this session`);
    return record;
  }

  /** Newest first. */
  list(limit: number, offset: number): { executions: ExecutionRecord[]; total: number } {
    const end = Math.max(0, this.#entries.length - offset);
    const wanted = this.#entries.slice(Math.max(0, end - limit), end).toReversed();
    const executions = wanted.flatMap(({ id }) => readRecord(this.#path(id, "json")) ?? []).map(shortened);
    return { executions, total: this.#entries.length };
  }

  outputPath(id: string): string {
    return this.#path(id, "jsonl");
  }

  /** Removes the oldest finished ones that are over the limits. */
  prune(): void {
    let bytes = this.#entries.reduce((sum, entry) => sum + kept(entry), 0);
    let count = this.#entries.length;
    if (count <= RECORDS_KEPT && bytes <= RECORDS_OUTPUT_BYTES) return;
    for (const entry of this.#entries.filter((candidate) => !candidate.running)) {
      if (count <= RECORDS_KEPT && bytes <= RECORDS_OUTPUT_BYTES) break;
      bytes -= kept(entry);
      count -= 1;
      this.forget(entry.id);
    }
  }

  #path(id: string, extension: "json" | "jsonl"): string {
    return `${this.#directory.path("executions")}/${id}.${extension}`;
  }

  #load(): Entry[] {
    const directory = this.#directory.path("executions");
    const entries: Entry[] = [];
    for (const name of readdirSync(directory)) {
      if (!name.endsWith(".json")) continue;
      const record = readRecord(`${directory}/${name}`);
      if (record === null || `${record.executionId}.json` !== name) continue;
      const { executionId: id, startedAt, outputBytes, outcome } = record;
      entries.push({ id, startedAt, outputBytes, running: outcome === "running" });
    }
    return entries.toSorted((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
  }

  /** What ran under an earlier supervisor: nobody saw how it ended. */
  #markInterrupted(): void {
    for (const entry of this.#entries.filter(({ running }) => running)) {
      const path = this.#path(entry.id, "json");
      const record = readRecord(path);
      const file = new RecordFile(openSync(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK), entry, statSync(path).size);
      if (record !== null) file.write({ ...record, outcome: "unknown" });
      file.close();
    }
  }
}

/** The record of one execution while it lives. Written in place with one call, so that no reader sees half of it. */
export class RecordFile {
  readonly #fd: number;
  readonly #entry: Entry;
  #length: number;

  constructor(fd: number, entry: Entry, length = 0) {
    this.#fd = fd;
    this.#entry = entry;
    this.#length = length;
  }

  write(record: ExecutionRecord): void {
    this.#entry.outputBytes = record.outputBytes;
    this.#entry.running = record.outcome === "running";
    const text = Buffer.from(JSON.stringify(record));
    const bytes =
      text.length < this.#length ? Buffer.concat([text, Buffer.alloc(this.#length - text.length, " ")]) : text;
    this.#length = bytes.length;
    try {
      writeSync(this.#fd, bytes, 0, bytes.length, 0);
    } catch (error) {
      console.error(`record ${record.executionId} not written`, error);
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function readRecord(path: string): ExecutionRecord | null {
  try {
    const text = readFileSync(path, { encoding: "utf8", flag: O_RDONLY | O_NOFOLLOW | O_NONBLOCK });
    // SAFETY: only the supervisor writes in this directory, and it writes ExecutionRecords.
    return JSON.parse(text) as ExecutionRecord;
  } catch {
    return null;
  }
}

function openNew(path: string, id: string): number {
  try {
    return openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
  } catch (error) {
    if (existsSync(path)) throw idConflict(id);
    throw new SupervisorError("disk_full", "The execution could not be recorded: remove files from the session", {
      cause: String(error),
    });
  }
}

export function idConflict(id: string): SupervisorError {
  return new SupervisorError("conflict", `Execution ${id} was started before; ask for its record instead`);
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Gone already.
  }
}

function kept(entry: Entry): number {
  return Math.min(entry.outputBytes, RECORD_OUTPUT_BYTES);
}

function shortened(record: ExecutionRecord): ExecutionRecord {
  return { ...record, code: shorten(record.code), command: shorten(record.command) };
}

function shorten(source: string | null): string | null {
  return source !== null && source.length > LISTED_SOURCE_CHARS ? `${source.slice(0, LISTED_SOURCE_CHARS)}…` : source;
}
