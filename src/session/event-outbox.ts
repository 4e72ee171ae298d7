// Events of a session on their way to its account, in order. What a state change emits is stored with that change; the rest
// is in memory, and stored when the account cannot be reached. An event that is sent twice counts once.
import { accountOf } from "../account/rpc.ts";
import type { EmittedEvent } from "../account/events-rpc.ts";
import type { Event, EventType } from "../contract/events.ts";
import { newId } from "../contract/ids.ts";
import type { Env } from "../env.ts";
import { describe, logError } from "../lib/log.ts";
import { within } from "../lib/within.ts";
import type { HistoryNotes } from "./history/notes.ts";
import type { SessionRecord } from "./record.ts";
import type { SessionStore } from "./store.ts";

export interface OutboxParts {
  readonly store: SessionStore;
  /** They are written into the session's history as well. */
  readonly notes: HistoryNotes;
  /** Null once it is gone. */
  readonly record: () => SessionRecord | null;
  readonly waitUntil: (work: Promise<void>) => void;
}

export interface EmitOptions {
  /** It must not be told twice, whoever tells it. Absent: a new one. */
  readonly id?: string;
  /** Store it in this turn, with what it is about. */
  readonly store: boolean;
}

/** What is only in memory may wait so long for more of it. */
const GATHER_MS = 250;
const EMIT_MS = 5000;
const ATTEMPTS = 3;
const PAUSE_MS = 500;
const AT_ONCE = 100;
/** Of an account that cannot be reached for long, the oldest are let go. */
const UNSENT_MOST = 500;

export class EventOutbox {
  readonly #env: Env;
  readonly #parts: OutboxParts;
  #unsent: EmittedEvent[] | null = null;
  #sending: Promise<void> | null = null;
  #hurry: () => void = () => {};
  #isStored = false;

  constructor(env: Env, parts: OutboxParts) {
    this.#env = env;
    this.#parts = parts;
  }

  /** Sends it in the background. */
  emit(type: EventType, data: Event["data"], { id = newId("evt"), store }: EmitOptions): void {
    const sessionId = this.#parts.record()?.id;
    if (sessionId === undefined) {
      return;
    }
    const unsent = this.#load();
    const at = Date.now();
    unsent.push({ id, type, at, sessionId, data });
    this.#parts.notes.note({ id, type, at, data }, { store });
    if (unsent.length > UNSENT_MOST) {
      logError("event_let_go", { sessionId, event: unsent.shift() });
    }
    if (store) {
      this.#keep();
    }
    this.#parts.waitUntil(store ? this.flush() : this.#sendOn());
  }

  /** Sends what is left. Resolves when it is sent or was given up for now; never rejects. */
  flush(): Promise<void> {
    if (this.#load().length === 0) {
      return Promise.resolve();
    }
    const sending = this.#sendOn();
    this.#hurry();
    return sending;
  }

  #sendOn(): Promise<void> {
    this.#sending ??= this.#send().finally(() => {
      this.#sending = null;
    });
    return this.#sending;
  }

  async #send(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#hurry = resolve;
    // What is emitted meanwhile goes with it: the account writes it down, and answers nobody before that is on the disk.
    await Promise.race([promise, scheduler.wait(GATHER_MS)]);
    for (let attempt = 1; this.#load().length > 0;) {
      const record = this.#parts.record();
      if (record === null) {
        return;
      }
      const batch = this.#load().slice(0, AT_ONCE);
      try {
        await within(accountOf(this.#env, record.accountId).emit(batch), EMIT_MS);
        const sent = new Set(batch);
        this.#unsent = this.#load().filter((event) => !sent.has(event));
        attempt = 1;
        if (this.#isStored) {
          this.#keep();
        }
      } catch (error) {
        this.#keep();
        if (attempt === ATTEMPTS) {
          logError("events_not_sent", { sessionId: record.id, count: this.#load().length, reason: describe(error) });
          return;
        }
        await scheduler.wait(PAUSE_MS * attempt++);
      }
    }
  }

  #load(): EmittedEvent[] {
    if (this.#unsent === null) {
      const stored = this.#parts.store.loadFact("unsentEvents");
      this.#isStored = stored !== null;
      this.#unsent = [...(stored ?? [])];
    }
    return this.#unsent;
  }

  #keep(): void {
    const unsent = this.#load();
    this.#isStored = unsent.length > 0;
    if (this.#isStored) {
      this.#parts.store.saveFact("unsentEvents", unsent);
    } else {
      this.#parts.store.removeFact("unsentEvents");
    }
  }
}
