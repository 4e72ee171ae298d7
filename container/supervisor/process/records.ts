// The durable record of every execution: a line in the journal, written before it starts and again whenever more is
// known; the last one counts. Short output is in the record, what is longer beside it in <id>.jsonl (output-file.ts).
// Records outlive supervisor and container; an outcome is never made up.
import { readdirSync, unlinkSync } from "node:fs";
import type { ExecutionRecord } from "../../../src/contract/execute.ts";
import {
  OUTPUT_NAME,
  parseRecord,
  recordOf,
  summaryOf,
  surplusOf,
  unknownExecution,
} from "../../../src/lib/execution-record.ts";
import type { StoredRecord } from "../../../src/lib/execution-record.ts";
import { SupervisorError } from "../problem.ts";
import type { DataDirectory } from "./data-directory.ts";
import { Journal } from "./journal.ts";
import type { Place } from "./journal.ts";
import { fromOutputChunk, OutputFile, toRecordedChunk } from "./output-file.ts";
import type { Chunk } from "./output-file.ts";

/** What is known of each record without reading it. */
interface Entry {
  readonly id: string;
  readonly startedAt: string;
  place: Place;
  outputBytes: number;
  running: boolean;
  /** Its output has a file of its own. */
  hasOutputFile: boolean;
}

export class Records {
  readonly #directory: DataDirectory;
  readonly #journal: Journal;
  /** In order of their start. */
  readonly #entries = new Map<string, Entry>();

  constructor(directory: DataDirectory) {
    this.#directory = directory;
    this.#journal = new Journal(directory);
    this.reload();
  }

  /** Takes what is recorded in the workspace for what there is: at the start, and when the workspace was replaced. */
  reload(): void {
    this.#entries.clear();
    this.#journal.reopen();
    this.#load();
    this.#markInterrupted();
    this.prune();
  }

  /** @throws SupervisorError `conflict` when that id was used before, `disk_full` */
  begin(record: ExecutionRecord): void {
    if (this.#entries.has(record.executionId)) throw idConflict(record.executionId);
    try {
      this.#append(record);
    } catch (error) {
      throw new SupervisorError("disk_full", "The execution could not be recorded: remove files from the session", {
        cause: String(error),
      });
    }
  }

  /** @param output short and whole; empty where it has a file of its own */
  write(record: ExecutionRecord, output: readonly Chunk[] = []): void {
    try {
      this.#append(output.length === 0 ? record : { ...record, output: output.map(toRecordedChunk) });
    } catch (error) {
      console.error(`record ${record.executionId} not written`, error);
    }
  }

  /** As if it had never been: for what could not be started. */
  forget(record: ExecutionRecord): void {
    const stored: StoredRecord = { ...record, forgotten: true };
    this.write(stored);
    this.#remove(record.executionId);
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  /** @throws SupervisorError `execution_not_found` */
  read(id: string): ExecutionRecord {
    return recordOf(this.#find(id));
  }

  /** What is recorded of the output; see OutputFile.read. @throws SupervisorError `execution_not_found` */
  readOutput(id: string, after: number, maxBytes: number): Chunk[] {
    const { output } = this.#find(id);
    if (output === undefined) return new OutputFile(() => this.#outputPath(id)).read(after, maxBytes);
    return output.filter(({ seq }) => seq > after).map(fromOutputChunk);
  }

  /** Newest first. */
  list(limit: number, offset: number): { executions: ExecutionRecord[]; total: number } {
    const entries = [...this.#entries.values()];
    const end = Math.max(0, entries.length - offset);
    const wanted = entries.slice(Math.max(0, end - limit), end).toReversed();
    return { executions: wanted.flatMap((entry) => this.#read(entry) ?? []).map(summaryOf), total: entries.length };
  }

  /** For the output of one that runs. */
  outputFile(id: string): OutputFile {
    return new OutputFile(() => {
      const entry = this.#entries.get(id);
      if (entry !== undefined) entry.hasOutputFile = true;
      return this.#outputPath(id);
    });
  }

  /** Removes the oldest finished ones that are over the limits. */
  prune(): void {
    const surplus = surplusOf([...this.#entries.values()]);
    if (surplus.length === 0) return;
    for (const { id } of surplus) this.#remove(id);
    this.#journal.keepOnly(new Set([...this.#entries.values()].map(({ place }) => place.segment)));
  }

  #append(record: StoredRecord): void {
    this.#note(record, this.#journal.append(JSON.stringify(record)));
  }

  #note({ executionId: id, startedAt, outputBytes, outcome }: StoredRecord, place: Place): void {
    const known = this.#entries.get(id);
    const running = outcome === "running";
    if (known === undefined) {
      this.#entries.set(id, { id, startedAt, place, outputBytes, running, hasOutputFile: false });
    } else Object.assign(known, { place, outputBytes, running });
  }

  #remove(id: string): void {
    const hasOutputFile = this.#entries.get(id)?.hasOutputFile === true;
    this.#entries.delete(id);
    if (hasOutputFile) removeFile(this.#outputPath(id));
  }

  #find(id: string): StoredRecord {
    const entry = this.#entries.get(id);
    const record = entry === undefined ? null : this.#read(entry);
    if (record === null) throw new SupervisorError("execution_not_found", unknownExecution(id));
    return record;
  }

  #read({ place }: Entry): StoredRecord | null {
    const line = this.#journal.read(place);
    return line === null ? null : parseRecord(line);
  }

  #outputPath(id: string): string {
    return `${this.#directory.path("executions")}/${id}.jsonl`;
  }

  #load(): void {
    for (const { place, text } of this.#journal.lines()) {
      const record = parseRecord(text);
      if (record?.forgotten === true) this.#entries.delete(record.executionId);
      else if (record !== null) this.#note(record, place);
    }
    for (const name of readdirSync(this.#directory.path("executions"))) {
      const id = OUTPUT_NAME.exec(name)?.[1];
      const entry = id === undefined ? undefined : this.#entries.get(id);
      if (entry !== undefined) entry.hasOutputFile = true;
      else if (id !== undefined) removeFile(this.#outputPath(id));
    }
  }

  /** What ran under an earlier supervisor: nobody saw how it ended. */
  #markInterrupted(): void {
    for (const entry of this.#entries.values()) {
      const record = entry.running ? this.#read(entry) : null;
      if (record !== null) this.write({ ...record, outcome: "unknown" });
    }
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
