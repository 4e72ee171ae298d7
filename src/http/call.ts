// One call of the API, as its handler sees it.
import type { Principal, ReservedIds } from "../account/rpc.ts";
import type { Env } from "../env.ts";

/** What a handler may use beside its input. */
export interface Call {
  readonly request: Request;
  readonly env: Env;
  readonly principal: Principal;
  /** Of a call with an `Idempotency-Key`: what it has to use in place of ids of its own. */
  readonly reserved: Reserved | null;
  waitUntil(work: Promise<unknown>): void;
}

/** Of a call with an `Idempotency-Key`. */
export interface Reserved extends ReservedIds {
  /** Of the first call with this key, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** There was such a call, and nobody knows how it ended. */
  readonly again: boolean;
  /** Does something once the outcome is kept, or certain to be nothing: what the call made is not needed any longer. */
  afterwards(work: () => Promise<unknown>): void;
}
