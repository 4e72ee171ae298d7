// Counts what a session uses. How time is counted is lib/meter.ts's; here is when it is stored: at each change between
// active, idle and asleep, and once a minute while there is something to store. Never on the way of an execution, unless a
// budget counts executions.
import type { MeterReport } from "../account/rpc.ts";
import { METER_MS } from "../contract/limits.ts";
import type { Spent } from "../contract/usage.ts";
import { advance, count, forgetDays, skip, turn } from "../lib/meter.ts";
import type { Levels, MeterKind, Reading } from "../lib/meter.ts";
import type { SessionRecord } from "./record.ts";
import type { Runtime } from "./runtime.ts";
import type { SessionState } from "./state.ts";
import type { SessionStore } from "./store.ts";

export interface StoredMeter {
  readonly reading: Reading;
  /** Grows with every report. */
  readonly revision: number;
  /** Executions that have begun. Should the object be lost, they count. */
  readonly pending: number;
  /** Nothing is counted any more: the session is deleted. */
  readonly ended: boolean;
  /** It was told that a budget is spent. */
  readonly told: boolean;
}

interface Counted {
  readonly pending?: number;
  readonly executions?: number;
  readonly egressBytes?: number;
}

const GIB = 1024 ** 3;

export class Meter {
  readonly #store: SessionStore;
  readonly #runtime: Runtime;
  readonly #record: () => SessionRecord | null;
  /** There is something to store, and no alarm for it yet. */
  readonly #onDue: () => void;
  #state: StoredMeter | null = null;
  #storedAt = 0;
  /** Something is counted that is not stored, or that the account does not know. */
  #due = false;

  constructor(own: {
    readonly store: SessionStore;
    readonly runtime: Runtime;
    readonly record: () => SessionRecord | null;
    readonly onDue: () => void;
  }) {
    this.#store = own.store;
    this.#runtime = own.runtime;
    this.#record = own.record;
    this.#onDue = own.onDue;
  }

  /** To be called in a new instance of the object, once it is known whether the container runs. */
  resume(): void {
    const stored = this.#store.loadFact("meter");
    if (stored === null) {
      return;
    }
    const counted = count(stored.reading, { executions: stored.pending, egressBytes: 0 });
    // Nobody knows when it ended.
    const isLost = counted.current.kind !== "asleep" && this.#runtime.state === "stopped" && !stored.ended;
    const asleep = { ...counted.current, kind: "asleep" } as const;
    this.#state = { ...stored, pending: 0, reading: isLost ? skip(counted, asleep, Date.now()) : counted };
    this.#due = !stored.ended;
  }

  get running(): boolean {
    return this.#state !== null && !this.#state.ended;
  }

  get isActive(): boolean {
    return this.running && this.#state?.reading.current.kind === "active";
  }

  /** There is a container, running or frozen. */
  get isAwake(): boolean {
    return this.running && this.#state?.reading.current.kind !== "asleep";
  }

  /** Executions that have begun and not ended. */
  get pending(): number {
    return this.#state?.pending ?? 0;
  }

  /** When to store, and to tell the account. */
  get dueAt(): number | null {
    return this.running && (this.#due || this.isActive) ? this.#storedAt + METER_MS : null;
  }

  /** The session is in this state from now on. True when that is counted as something else than before. */
  note(state: SessionState): boolean {
    const record = this.#record();
    if (record === null || state.phase === "gone" || this.#state?.ended === true) {
      return false;
    }
    const next = { kind: kindOf(state, this.#runtime.state), levels: this.#levels(record) };
    if (this.#state === null) {
      const reading: Reading = { current: { ...next, at: Date.now() }, days: [], activeMs: 0, executions: 0 };
      this.#save({ reading, revision: 0, pending: 0, ended: false, told: false });
      // Whoever creates the session tells.
      this.#due = true;
      return false;
    }
    const ended = state.phase === "deleting";
    if (!ended && next.kind === this.#state.reading.current.kind) {
      return false;
    }
    this.#save({ ...this.#state, reading: turn(this.#state.reading, next, this.#now(record)), ended });
    this.#due = true;
    return true;
  }

  /** By the session, from its beginning on. */
  spent(): Spent {
    const record = this.#record();
    if (this.#state === null || record === null) {
      return { activeSeconds: 0, executions: 0 };
    }
    const { reading, ended } = this.#state;
    const { activeMs, executions } = ended ? reading : advance(reading, this.#now(record));
    return { activeSeconds: activeMs / 1000, executions };
  }

  /** When so many active seconds will be reached. */
  activeUntil(seconds: number): number {
    const { current, activeMs } = this.#state?.reading ?? { current: { at: 0 }, activeMs: 0 };
    return current.at + seconds * 1000 - activeMs;
  }

  /** `store`: at once, so that it is not forgotten. */
  count({ pending = 0, executions = 0, egressBytes = 0 }: Counted, { store }: { readonly store: boolean }): void {
    if (this.#state === null || this.#state.ended) {
      return;
    }
    const { reading: before } = this.#state;
    const reading = executions + egressBytes > 0 ? count(before, { executions, egressBytes }) : before;
    const state = { ...this.#state, reading, pending: this.#state.pending + pending };
    if (store) {
      this.#save(state);
    }
    this.#state = state;
    if (!this.#due) {
      this.#due = true;
      if (!this.isActive) {
        this.#onDue();
      }
    }
  }

  /** An answer goes to a client: its length, where that is known beforehand. What else it has is counted as it goes out. */
  countAnswer(request: Request, response: Response): void {
    const length = Number(response.headers.get("content-length") ?? 0);
    if (request.method !== "HEAD" && response.body !== null && Number.isSafeInteger(length) && length > 0) {
      this.count({ egressBytes: length }, { store: false });
    }
  }

  /** What the account is to be told, stored first. Null: there is nothing to tell. */
  report(): MeterReport | null {
    const record = this.#record();
    if (this.#state === null || record === null) {
      return null;
    }
    const { reading: before, ended, pending } = this.#state;
    const next = { kind: before.current.kind, levels: this.#levels(record) };
    const reading = ended ? before : turn(before, next, this.#now(record));
    const revision = this.#state.revision + 1;
    this.#save({ ...this.#state, reading, revision });
    this.#due = false;
    const { current, days, activeMs, executions } = reading;
    const { id: sessionId, oneShot, expiresAt: until } = record;
    return {
      sessionId,
      oneShot,
      revision,
      days,
      current: ended ? null : current,
      until,
      activeMs,
      executions,
      pending,
    };
  }

  /** The account knows a report. */
  acknowledge({ revision }: MeterReport): void {
    if (this.#state?.revision === revision) {
      this.#state = { ...this.#state, reading: forgetDays(this.#state.reading) };
    }
  }

  /** The account may not know the last report. */
  repeat(): void {
    this.#due = true;
  }

  /** Notes whether a budget is spent. True: that is new, and to be told. */
  tell(isSpent: boolean): boolean {
    if (this.#state === null || this.#state.told === isSpent) {
      return false;
    }
    this.#save({ ...this.#state, told: isSpent });
    return isSpent;
  }

  #save(state: StoredMeter): void {
    this.#state = state;
    this.#storedAt = Date.now();
    this.#store.saveFact("meter", state);
  }

  #levels(record: SessionRecord): Levels {
    const saved = this.#store.loadFact("saved");
    const { cpu, memory } = record.resourceLimits;
    return { cpu, memoryGib: memory / 1024, storedGib: (saved?.storedBytes ?? 0) / GIB };
  }

  /** An alarm may be late: nothing is counted past the session's time. */
  #now(record: SessionRecord): number {
    return Math.min(Date.now(), record.expiresAt);
  }
}

/** Without a container it costs what a sleeping one does, whatever it is called. */
function kindOf(state: SessionState, container: Runtime["state"]): MeterKind {
  switch (state.phase) {
    case "active":
      return container === "stopped" ? "asleep" : "active";
    case "idle":
    case "falling-asleep":
      return container === "stopped" ? "asleep" : "idle";
    case "releasing":
    case "asleep":
    case "deleting":
    case "gone":
      break;
  }
  return "asleep";
}
