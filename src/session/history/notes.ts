// What the platform itself writes into a session's history. What comes with a change of state is written with it; the
// rest waits a moment in memory, since executions are answered before anything is stored of them.
import { HISTORY } from "../../contract/limits.ts";
import { newId } from "../../contract/ids.ts";
import { describe, logError } from "../../lib/log.ts";
import type { SessionRecord } from "../record.ts";
import type { AppendedEvent } from "./command.ts";
import type { History } from "./history.ts";

export interface Noted {
  /** The same for every teller of it: it is written once. */
  readonly id: string;
  readonly type: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface NoteParts {
  readonly history: History;
  /** Null once it is gone. */
  readonly record: () => SessionRecord | null;
  readonly waitUntil: (work: Promise<void>) => void;
}

/** What is only in memory may wait so long for more of it. */
const GATHER_MS = 250;

export class HistoryNotes {
  readonly #parts: NoteParts;
  #waiting: Noted[] = [];
  /** Written by clients, not by executions. */
  readonly #changed = new Set<string>();
  #gathering = false;

  constructor(parts: NoteParts) {
    this.#parts = parts;
  }

  /** `store`: in this turn, with what it is about, and what waits before it. */
  note(event: Noted, { store }: { readonly store: boolean }): void {
    if (this.#parts.record()?.oneShot !== false) {
      return;
    }
    this.#waiting.push(event);
    if (store) {
      this.flush();
    } else {
      this.#writeSoon();
    }
  }

  /** Paths in the workspace that a client has written or removed. */
  filesChanged(paths: readonly string[]): void {
    for (const path of paths) {
      this.#changed.add(path);
    }
    if (paths.length > 0) {
      this.#writeSoon();
    }
  }

  #writeSoon(): void {
    if (!this.#gathering) {
      this.#gathering = true;
      this.#parts.waitUntil(this.#gather());
    }
  }

  async #gather(): Promise<void> {
    await scheduler.wait(GATHER_MS);
    this.#gathering = false;
    this.flush();
  }

  /** Writes what waits. */
  flush(): void {
    const events = this.#waiting.splice(0);
    if (this.#changed.size > 0) {
      events.push(filesChanged(newId("evt"), [...this.#changed], null));
      this.#changed.clear();
    }
    const record = this.#parts.record();
    if (record === null) {
      return;
    }
    for (const event of events) {
      try {
        this.#parts.history.append(record.id, [appendedOf(event)]);
      } catch (error) {
        logError("history_not_written", { sessionId: record.id, event: event.id, reason: describe(error) });
      }
    }
  }
}

/** `executionId` null: it was no execution. */
export function filesChanged(id: string, paths: readonly string[], executionId: string | null): Noted {
  const data = { paths: paths.slice(0, HISTORY.changedPaths), total: paths.length, executionId };
  return { id, type: "files.changed", at: Date.now(), data };
}

function appendedOf({ id, type, at, data }: Noted): AppendedEvent {
  const payload = JSON.stringify(data);
  return { id, type, sender: "system", connectionId: null, payload, createdAt: at, eventIndex: null };
}
