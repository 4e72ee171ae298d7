// Sessions in the state of a Rivet actor, which Rivet stores with the actor.
import { BoundedDriver } from "./bounded.ts";
import type { BoundedOptions, Shelf } from "./bounded.ts";
import { copyOf } from "./checked.ts";
import type { SessionEvent, SessionRecord } from "./driver.ts";

/** The part of an actor's context that is needed, so that it is the actor's `c` or anything with a state. */
export interface ActorContext {
  /** Read anew at each call, since an actor may replace it. */
  readonly state: object;
}

export interface RivetOptions extends BoundedOptions {
  /** The member of the state that holds them. Default: `_sandboxAgentPersist`. */
  readonly stateKey?: string | undefined;
}

/** What is in the state: as sandbox-agent's own driver for actors has it, so that its data stays. */
interface Stored {
  readonly sessions: Record<string, SessionRecord>;
  readonly events: Record<string, SessionEvent[]>;
}

export class RivetSessionPersistDriver extends BoundedDriver {
  constructor(actor: ActorContext, options: RivetOptions = {}) {
    const { stateKey = "_sandboxAgentPersist" } = options;
    const stored = (): Stored => {
      // SAFETY: a state is a record, and under this key it holds what is put there here.
      const state = actor.state as Record<string, Stored | undefined>;
      return (state[stateKey] ??= { sessions: {}, events: {} });
    };
    super(
      {
        sessions: new RecordShelf(() => stored().sessions),
        events: new RecordShelf(() => stored().events, inOrder),
      },
      options,
    );
  }
}

/** A plain object as a Map, because an actor's state holds no Map. */
class RecordShelf<V> implements Shelf<V> {
  readonly #record: () => Record<string, V>;
  readonly #read: (value: V) => V;

  constructor(record: () => Record<string, V>, read: (value: V) => V = (value) => value) {
    this.#record = record;
    this.#read = read;
  }

  get size(): number {
    return Object.keys(this.#record()).length;
  }

  get(key: string): V | undefined {
    const record = this.#record();
    const value = Object.hasOwn(record, key) ? record[key] : undefined;
    return value === undefined ? undefined : this.#read(value);
  }

  set(key: string, value: V): void {
    if (key === "__proto__") throw new TypeError("a session in the state of an actor cannot be called __proto__");
    this.#record()[key] = value;
  }

  delete(key: string): void {
    delete this.#record()[key];
  }

  keys(): string[] {
    return Object.keys(this.#record());
  }

  values(): V[] {
    return Object.values(this.#record()).map(this.#read);
  }
}

/**
 * Sandbox-agent's own driver appends whatever comes: two clients leave events of one index, in any order. It lists them by
 * index and id, and so do these, each at an index of its own. It is the same one until the next event is written, and from
 * then on they lie there so.
 */
function inOrder(events: SessionEvent[]): SessionEvent[] {
  if (events.every(({ eventIndex }, at) => eventIndex > (events[at - 1]?.eventIndex ?? 0))) return events;
  const own = copyOf(events).toSorted(
    (one, other) => one.eventIndex - other.eventIndex || (one.id < other.id ? -1 : 1),
  );
  for (const [at, event] of own.entries()) {
    event.eventIndex = Math.max(event.eventIndex, (own[at - 1]?.eventIndex ?? 0) + 1);
  }
  return own;
}
