// Lines of text that outlive the supervisor, appended to files of a moderate size: making a file for each would take
// longer than all the rest of an execution where the file system has just deleted many. A line is whole or it is not
// there; one that the supervisor was killed in the middle of is passed over. Files of an earlier supervisor are never
// appended to.
import { closeSync, constants, openSync, readdirSync, readFileSync, readSync, unlinkSync, writeSync } from "node:fs";
import { JOURNAL_NAME } from "../../../src/lib/execution-record.ts";
import type { DataDirectory, HeldDirectory } from "./data-directory.ts";

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const SEGMENT_BYTES = 256 * 1024;

/** Where a line is. */
export interface Place {
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
}

interface Segment {
  readonly number: number;
  readonly fd: number;
  /** User code can move the directory away; then the next line goes to where people would look for it. */
  readonly directory: HeldDirectory;
  length: number;
}

export class Journal {
  readonly #directory: DataDirectory;
  #last = 0;
  #current: Segment | null = null;

  constructor(directory: DataDirectory) {
    this.#directory = directory;
  }

  /** What earlier supervisors have left, oldest first. To be read to its end before the first append(). */
  *lines(): Generator<{ readonly place: Place; readonly text: string }> {
    for (const segment of this.#segments()) {
      this.#last = segment;
      const bytes = readFileSync(this.#path(segment), { flag: O_RDONLY | O_NOFOLLOW | O_NONBLOCK });
      let offset = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, offset)) {
        const length = end - offset;
        yield { place: { segment, offset, length }, text: bytes.toString("utf8", offset, end) };
        offset = end + 1;
      }
    }
  }

  /** Another tree is in the place of the one that was read: lines() is to be read again before the next append(). */
  reopen(): void {
    this.#close();
    this.#last = 0;
  }

  /** @throws on a full disk */
  append(text: string): Place {
    const current = this.#open();
    const line = Buffer.from(`${text}\n`);
    const place = { segment: current.number, offset: current.length, length: line.length - 1 };
    try {
      for (let at = 0; at < line.length;) at += writeSync(current.fd, line, at);
    } catch (error) {
      this.#close();
      throw error;
    }
    current.length += line.length;
    return place;
  }

  /** Null where it is gone. */
  read({ segment, offset, length }: Place): string | null {
    let fd: number;
    try {
      fd = openSync(this.#path(segment), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch {
      return null;
    }
    try {
      const bytes = Buffer.allocUnsafe(length);
      return readSync(fd, bytes, 0, length, offset) === length ? bytes.toString("utf8") : null;
    } finally {
      closeSync(fd);
    }
  }

  /** Removes the files that hold no line that is wanted still. */
  keepOnly(segments: ReadonlySet<number>): void {
    for (const segment of this.#segments()) {
      if (!segments.has(segment) && segment !== this.#current?.number) unlinkSync(this.#path(segment));
    }
  }

  #open(): Segment {
    const directory = this.#directory.hold("executions");
    if (this.#current?.directory === directory && this.#current.length < SEGMENT_BYTES) return this.#current;
    this.#close();
    const number = ++this.#last;
    const flags = O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW;
    this.#current = { number, fd: openSync(this.#path(number), flags, 0o644), directory, length: 0 };
    return this.#current;
  }

  #close(): void {
    if (this.#current !== null) closeSync(this.#current.fd);
    this.#current = null;
  }

  #segments(): number[] {
    const names = readdirSync(this.#directory.path("executions"));
    return names
      .flatMap((name) => JOURNAL_NAME.exec(name)?.[1] ?? [])
      .map(Number)
      .toSorted((a, b) => a - b);
  }

  #path(segment: number): string {
    return `${this.#directory.path("executions")}/records-${String(segment).padStart(6, "0")}.jsonl`;
  }
}
