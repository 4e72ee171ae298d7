// Sessions in this process's memory: for development, and for what may be forgotten.
import { BoundedDriver } from "./bounded.ts";
import type { BoundedOptions } from "./bounded.ts";

export class InMemorySessionPersistDriver extends BoundedDriver {
  constructor(options: BoundedOptions = {}) {
    super({ sessions: new Map(), events: new Map() }, options);
  }
}
