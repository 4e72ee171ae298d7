// Sessions in the state of a Rivet actor, which Rivet stores with the actor.
import { BoundedDriver } from "./bounded.ts";
import type { BoundedOptions, Shelf } from "./bounded.ts";
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
        events: new RecordShelf(() => stored().events),
      },
      options,
    );
  }
}

/** A plain object as a Map, because an actor's state holds no Map. */
class RecordShelf<V> implements Shelf<V> {
  readonly #record: () => Record<string, V>;

  constructor(record: () => Record<string, V>) {
    this.#record = record;
  }

  get size(): number {
    return Object.keys(this.#record()).length;
  }

  get(key: string): V | undefined {
    const record = this.#record();
    return Object.hasOwn(record, key) ? record[key] : undefined;
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
    return Object.values(this.#record());
  }
}
