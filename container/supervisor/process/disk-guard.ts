// Keeps the files of a session within its disk. Being over the limit is no reason to kill: `rm` has to run. Growing
// further while over it is.
import type { DiskLedger } from "../files/disk.ts";
import { readWrittenBytes } from "./proc-filesystem.ts";
import type { UserProcess } from "./process-table.ts";

/** What the supervisor itself writes, and a file that is replaced by another, must not count as growth. */
const SLACK_BYTES = 1024 * 1024;

export class DiskGuard {
  readonly #ledger: DiskLedger;
  #toleratedBytes: number;

  constructor(ledger: DiskLedger) {
    this.#ledger = ledger;
    this.#toleratedBytes = ledger.limitBytes;
  }

  get limitBytes(): number {
    return this.#ledger.limitBytes;
  }

  /** True when the files are over the limit and have grown since they were. */
  async isGrowingOver(): Promise<boolean> {
    await this.#ledger.refresh();
    const { usedBytes, limitBytes } = this.#ledger;
    if (!this.#ledger.isOver()) this.#toleratedBytes = limitBytes;
    return this.#ledger.isOver() && usedBytes > this.#toleratedBytes + SLACK_BYTES;
  }

  /** After the writer was ended: what there is now may stay. */
  async tolerate(): Promise<void> {
    await this.#ledger.refresh();
    this.#toleratedBytes = Math.max(this.#ledger.limitBytes, this.#ledger.usedBytes);
  }
}

/** The execution that has written most. `executionId` null: strays of none; null: nobody is there. */
export function findWriter(processes: readonly UserProcess[]): { readonly executionId: string | null } | null {
  const written = new Map<string | null, number>();
  for (const { hostPid, executionId } of processes) {
    written.set(executionId, (written.get(executionId) ?? 0) + readWrittenBytes(hostPid));
  }
  const [biggest] = [...written].toSorted(([, a], [, b]) => b - a);
  return biggest === undefined ? null : { executionId: biggest[0] };
}
