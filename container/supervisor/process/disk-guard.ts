// Keeps the files of a session within its disk. Being over the limit is no reason to kill: `rm` has to run. Growing
// further while over it is.
import type { DiskLedger } from "../files/disk.ts";
import { readWrittenBytes } from "./proc-filesystem.ts";
import type { Owner, UserProcess } from "./process-table.ts";

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

  /** Many files came at once, and not from a process: they may stay. */
  async tolerateNew(): Promise<void> {
    await this.#ledger.measureAnew();
    await this.tolerate();
  }

  /** After the writer was ended: what there is now may stay. */
  async tolerate(): Promise<void> {
    await this.#ledger.refresh();
    this.#toleratedBytes = Math.max(this.#ledger.limitBytes, this.#ledger.usedBytes);
  }
}

/** Whose processes have written most. `owner` null: strays of none; null: nobody is there. */
export function findWriter(processes: readonly UserProcess[]): { readonly owner: Owner | null } | null {
  const written = new Map<Owner | null, number>();
  for (const { hostPid, owner } of processes) {
    written.set(owner, (written.get(owner) ?? 0) + readWrittenBytes(hostPid));
  }
  const [biggest] = [...written].toSorted(([, a], [, b]) => b - a);
  return biggest === undefined ? null : { owner: biggest[0] };
}
