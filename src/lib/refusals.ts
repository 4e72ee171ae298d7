// Refused access on its way to the audit log: the first of a kind at once, those that follow together, so that who tries
// a million keys fills neither the log nor the registry's day. Kept in memory: what was not told when that is lost is not
// told. Time is an argument.
import { REFUSALS_NOTED_MS } from "../contract/limits.ts";

export interface Refusal {
  /** Null: of no key that is known. */
  readonly keyId: string | null;
  readonly reason: string;
  /** This one, and those since the last that was told. */
  readonly times: number;
}

interface Series {
  readonly toldAt: number;
  /** Since then. */
  readonly count: number;
}

/** More kinds than these at once are not told apart. */
const KINDS_MAX = 200;

export class Refusals {
  readonly #series = new Map<string, Series>();

  /** What is to be told now; null where that can wait. */
  note(keyId: string | null, reason: string, now: number): Refusal | null {
    const kind = `${keyId ?? ""} ${reason}`;
    const series = this.#series.get(kind);
    if (series !== undefined && now >= series.toldAt && now - series.toldAt < REFUSALS_NOTED_MS) {
      this.#series.set(kind, { ...series, count: series.count + 1 });
      return null;
    }
    if (this.#series.size >= KINDS_MAX) {
      this.#series.clear();
    }
    this.#series.set(kind, { toldAt: now, count: 0 });
    return { keyId, reason, times: (series?.count ?? 0) + 1 };
  }
}
