// `.buntime/processes/<pid>.json`: what each process that lives longer than a moment was started for. For people and
// programs inside the session; the supervisor never reads them back.
import { closeSync, constants, openSync, readdirSync, unlinkSync, writeFileSync } from "node:fs";
import type { DataDirectory } from "./data-directory.ts";

export interface ProcessNote {
  readonly pid: number;
  readonly executionId: string;
  readonly command: string;
  readonly startedAt: string;
}

const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_TRUNC, O_WRONLY } = constants;

export class ProcessNotes {
  readonly #directory: DataDirectory;

  /** Removes what an earlier supervisor left. */
  constructor(directory: DataDirectory) {
    this.#directory = directory;
    for (const name of readdirSync(directory.path("processes"))) this.#remove(name);
  }

  write(note: ProcessNote): void {
    try {
      const path = `${this.#directory.path("processes")}/${note.pid}.json`;
      const fd = openSync(path, O_CREAT | O_WRONLY | O_TRUNC | O_NOFOLLOW | O_NONBLOCK, 0o644);
      try {
        writeFileSync(fd, `${JSON.stringify(note)}\n`);
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      console.error(`process ${note.pid} not noted`, error);
    }
  }

  remove(pid: number): void {
    this.#remove(`${pid}.json`);
  }

  #remove(name: string): void {
    try {
      unlinkSync(`${this.#directory.path("processes")}/${name}`);
    } catch {
      // Gone already.
    }
  }
}
