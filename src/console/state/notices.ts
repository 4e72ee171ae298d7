// Short notices at the edge of the page: what was done, what failed, what can be taken back.
import { signal } from "@preact/signals";
import { asBuntimeError } from "./loaded.ts";
import { noteOutcome } from "./connection.ts";

export interface Notice {
  readonly id: number;
  readonly kind: "done" | "failed";
  readonly text: string;
  /** A button in it. The notice goes when it is pressed. */
  readonly action?: { readonly label: string; readonly run: () => void };
}

const SHOWN_MS = 6000;
const MOST = 4;

export const notices = signal<readonly Notice[]>([]);
let last = 0;

/** Shows a notice for `shownMs` (default 6000) and returns its id. */
export function notify(notice: Omit<Notice, "id">, shownMs = SHOWN_MS): number {
  const id = ++last;
  notices.value = [...notices.value, { ...notice, id }].slice(-MOST);
  setTimeout(() => dismiss(id), shownMs);
  return id;
}

export function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

/** Runs what a button does: a failure becomes a notice. True when it went well. */
export async function attempt(what: string, work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    noteOutcome(null);
    return true;
  } catch (error) {
    const failure = asBuntimeError(error);
    noteOutcome(failure);
    if (failure.code !== "aborted") notify({ kind: "failed", text: `${what}: ${failure.message}` }, 2 * SHOWN_MS);
    return false;
  }
}
