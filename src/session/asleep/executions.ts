// The executions of a sleeping session, read from the records that its newest snapshot holds, as the supervisor that is
// started on it would (container/supervisor/process/records.ts).
import type { ExecutionList, ExecutionRecord, OutputChunk, OutputPage } from "../../contract/execute.ts";
import { OUTPUT_PAGE_BYTES } from "../../contract/limits.ts";
import type { FileNode } from "../../contract/manifest.ts";
import {
  JOURNAL_NAME,
  OUTPUT_NAME,
  parseRecord,
  recordOf,
  summaryOf,
  surplusOf,
  unknownExecution,
} from "../../lib/execution-record.ts";
import type { StoredRecord } from "../../lib/execution-record.ts";
import { nameOf, OWN_DIRECTORY } from "../../lib/files/paths.ts";
import { COMMENT, eventText, outputEvent } from "../../lib/output-events.ts";
import { ProblemError } from "../../lib/problem-error.ts";
import { readPart, readWhole, wholeOf } from "./contents.ts";
import type { Manifest } from "./manifest.ts";
import { shownChunk, sizeOfChunk } from "./output-chunk.ts";

const DIRECTORY = `${OWN_DIRECTORY}/executions/`;
/** No journal of ours is longer: what claims to be one is not read into memory. */
const JOURNAL_BYTES = 48 * 1024 * 1024;
const NEWLINE = 10;

interface Line {
  readonly start: number;
  readonly end: number;
}

/** Where the record is, and what has to be known of it without reading it. */
interface Entry {
  readonly id: string;
  readonly journal: FileNode;
  readonly line: Line;
  readonly outputBytes: number;
  readonly running: boolean;
}

interface Index {
  /** In order of their start. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly outputs: ReadonlyMap<string, FileNode>;
}

/** A chunk of an output file, and where the next one begins. */
interface Read {
  readonly chunk: OutputChunk;
  readonly end: number;
}

export class AsleepExecutions {
  readonly #manifest: Manifest;
  #index: Promise<Index> | null = null;
  /** Where the last page ended, as the next one is usually asked for next. */
  #mark: { readonly id: string; readonly after: number; readonly end: number } | null = null;

  constructor(manifest: Manifest) {
    this.#manifest = manifest;
  }

  /** Newest first. @throws DamagedObject */
  async list(limit: number, offset: number): Promise<ExecutionList> {
    const { entries } = await this.#load();
    const wanted = [...entries.values()].toReversed().slice(offset, offset + limit);
    const executions: ExecutionRecord[] = [];
    for (const entry of wanted) {
      executions.push(summaryOf(await this.#read(entry)));
    }
    return { executions, total: entries.size };
  }

  /** @throws ProblemError `execution_not_found`, DamagedObject */
  async record(id: string): Promise<ExecutionRecord> {
    return recordOf(await this.#find(id));
  }

  /** @throws ProblemError `execution_not_found`, DamagedObject */
  async output(id: string, after: number): Promise<OutputPage> {
    const stored = await this.#find(id);
    const chunks: OutputChunk[] = [];
    let bytes = 0;
    let done = true;
    for await (const { chunk, end } of this.#chunks(stored, after)) {
      if (bytes >= OUTPUT_PAGE_BYTES && stored.output === undefined) {
        done = false;
        break;
      }
      chunks.push(shownChunk(chunk));
      bytes += sizeOfChunk(chunk);
      this.#mark = { id, after: chunk.seq, end };
    }
    return { chunks, lastSeq: chunks.at(-1)?.seq ?? after, done, outcome: stored.outcome };
  }

  /** As server-sent events. @throws ProblemError `execution_not_found`, DamagedObject */
  async events(id: string, after: number): Promise<AsyncGenerator<Uint8Array, void>> {
    return this.#events(await this.#find(id), after);
  }

  async *#events(stored: StoredRecord, after: number): AsyncGenerator<Uint8Array, void> {
    const encoder = new TextEncoder();
    yield encoder.encode(COMMENT);
    let seq = after;
    for await (const { chunk } of this.#chunks(stored, after)) {
      yield encoder.encode(outputEvent(shownChunk(chunk)));
      ({ seq } = chunk);
    }
    yield encoder.encode(eventText("exit", recordOf(stored), seq));
  }

  /** Chunks with a seq above `after`, in order. */
  async *#chunks(stored: StoredRecord, after: number): AsyncGenerator<Read, void> {
    const id = stored.executionId;
    if (stored.output !== undefined) {
      yield* stored.output.filter(({ seq }) => seq > after).map((chunk) => ({ chunk, end: 0 }));
      return;
    }
    const file = (await this.#load()).outputs.get(id);
    if (file === undefined) {
      return;
    }
    const mark = this.#mark;
    const from = mark?.id === id && mark.after === after ? mark.end : 0;
    for await (const { bytes, end } of linesOf(this.#manifest, file, from)) {
      const chunk = parseChunk(bytes);
      if (chunk !== null && chunk.seq > after) {
        yield { chunk, end };
      }
    }
  }

  async #find(id: string): Promise<StoredRecord> {
    const entry = (await this.#load()).entries.get(id);
    if (entry === undefined) {
      throw new ProblemError("execution_not_found", unknownExecution(id));
    }
    return this.#read(entry);
  }

  async #read({ id, journal, line, running }: Entry): Promise<StoredRecord> {
    const part = { first: line.start, last: line.end - 1 };
    const stored = parseRecord(decode(await readWhole(this.#manifest.frames, journal, part)));
    if (stored === null) {
      throw new ProblemError("execution_not_found", unknownExecution(id));
    }
    // Its container is gone, and nobody saw how it ended.
    return running ? { ...stored, outcome: "unknown" } : stored;
  }

  #load(): Promise<Index> {
    this.#index ??= this.#readIndex().catch((error: unknown) => {
      // The next one asks again.
      this.#index = null;
      throw error;
    });
    return this.#index;
  }

  async #readIndex(): Promise<Index> {
    const entries = new Map<string, Entry>();
    const outputs = new Map<string, FileNode>();
    const cursor = await this.#manifest.cursor(DIRECTORY);
    for (let node = await cursor.next(); node?.path.startsWith(DIRECTORY) === true; node = await cursor.next()) {
      const name = nameOf(node.path);
      if (node.type !== "file" || node.path !== DIRECTORY + name) {
        continue;
      }
      const id = OUTPUT_NAME.exec(name)?.[1];
      if (id !== undefined) {
        outputs.set(id, node);
      } else if (JOURNAL_NAME.test(name) && node.size <= JOURNAL_BYTES) {
        await this.#readJournal(node, entries);
      }
    }
    for (const { id } of surplusOf([...entries.values()])) {
      entries.delete(id);
    }
    return { entries, outputs };
  }

  async #readJournal(journal: FileNode, entries: Map<string, Entry>): Promise<void> {
    const bytes = await readWhole(this.#manifest.frames, journal, wholeOf(journal));
    for (const line of wholeLines(bytes)) {
      const record = parseRecord(decode(bytes.subarray(line.start, line.end)));
      if (record?.forgotten === true) {
        entries.delete(record.executionId);
      } else if (record !== null) {
        const { executionId: id, outputBytes, outcome } = record;
        // One that is known keeps its place in the order.
        entries.set(id, { id, journal, line, outputBytes, running: outcome === "running" });
      }
    }
  }
}

function* wholeLines(bytes: Uint8Array): Generator<Line, void> {
  let start = 0;
  for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
    yield { start, end };
    start = end + 1;
  }
}

/** From a place where a line begins; `end` is where the next one does. */
async function* linesOf(
  { frames }: Manifest,
  file: FileNode,
  from: number,
): AsyncGenerator<{ readonly bytes: Uint8Array; readonly end: number }, void> {
  const parts: Uint8Array[] = [];
  let end = from;
  for await (const piece of readPart(frames, file, { first: from, last: file.size - 1 })) {
    let start = 0;
    for (const line of wholeLines(piece)) {
      parts.push(piece.subarray(line.start, line.end));
      start = line.end + 1;
      const bytes = joined(parts.splice(0));
      end += bytes.length + 1;
      yield { bytes, end };
    }
    parts.push(piece.subarray(start));
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) {
    return only;
  }
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Null for a line that the supervisor was killed in the middle of. */
function parseChunk(line: Uint8Array): OutputChunk | null {
  try {
    // SAFETY: only the supervisor writes these lines.
    return JSON.parse(decode(line)) as OutputChunk;
  } catch {
    return null;
  }
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(bytes);
}
