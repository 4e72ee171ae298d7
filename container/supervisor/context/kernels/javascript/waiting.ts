// How the kernel waits, and how a run is interrupted. The kernel is a sequential program: it waits by turning the event loop
// inside of a call. So a run, all that it awaits included, happens within one call of `vm.Script.runInThisContext` with
// `breakOnSigint`, and SIGINT ends whatever turns in it, before an await or behind one, without the variables being lost.
// Node's REPL can do that only up to the first await.
//
// Bun offers no such wait by name. The one that it has is `expect(promise).resolves` of bun:test, which is synchronous;
// the tests of this file's behaviour hold that for the version in use.
import { expect } from "bun:test";
import { Script } from "node:vm";

/** The engine looks at a signal when JavaScript runs: while a program waits for the outside, this is what runs. */
const LOOK_EVERY_MS = 20;
const CALMING_ATTEMPTS = 10;
const CALMING_MS = 50;
/** Where the script below finds what it calls. */
const DOOR = "__buntimeStep";

const { apply, defineProperty } = Reflect;
const then = Reflect.get(Promise.prototype, "then") as (...args: unknown[]) => unknown;
const { setImmediate, setInterval, clearInterval, Promise: NativePromise } = globalThis;
const { sleep } = Bun;
/** Without a prototype, which is the user's to change as well. */
const THEN = Object.freeze({ __proto__: null, value: then });

export type Settled<T> = { readonly value: T } | { readonly thrown: unknown };
export type Ended<T> = Settled<T> | "interrupted";

let step: () => void = () => {};
defineProperty(globalThis, DOOR, { value: () => step() });
const doorway = new Script(`${DOOR}()`, { filename: "buntime" });

/** While the loop is turned in this way, it sleeps to the next timer before it looks for immediates. */
export const promptImmediate = Object.assign((...args: Parameters<typeof setImmediate>) => {
  void sleep(0);
  return setImmediate(...args);
}, setImmediate);

/** Turns the event loop until it is settled. */
export function waitFor<T>(promise: Promise<T>): Settled<T> {
  let settled: Settled<T> | undefined;
  const over = new NativePromise<true>((resolve) => {
    const onValue = (value: T): void => {
      settled = { value };
      resolve(true);
    };
    const onThrown = (thrown: unknown): void => {
      settled = { thrown };
      resolve(true);
    };
    apply(then, promise, [onValue, onThrown]);
  });
  turnUntil(over);
  return settled ?? { thrown: new Error("The event loop came to rest too early") };
}

/** One turn, so that what is due already happens: microtasks, and the report of rejections that nobody handles. */
export function turnOnce(): void {
  const turned = new NativePromise<true>((resolve) => setImmediate(() => resolve(true)));
  void sleep(0);
  turnUntil(turned);
}

function turnUntil(over: Promise<true>): void {
  // Its own: the one that all share is the user's to change.
  defineProperty(over, "then", THEN);
  // Synchronous, whatever its type says; see above.
  expect(over).resolves.toBe(true);
}

/** After an interrupt: what the program left behind may still keep the loop from ever getting to the next request, by ticks or
 * microtasks that make each other. Each attempt ends one of them. */
export function calmDown(): void {
  for (let attempt = 0; attempt < CALMING_ATTEMPTS; attempt++) {
    if (runInterruptibly(turnOnce, CALMING_MS) !== "interrupted") return;
  }
}

/** Calls it, with all that it waits for, to its end or to SIGINT. */
export function runInterruptibly<T>(work: () => T, timeoutMs?: number): Ended<T> {
  const outer = step;
  let result: Settled<T> | undefined;
  step = () => {
    try {
      result = { value: work() };
    } catch (thrown) {
      result = { thrown };
    }
  };
  const look = setInterval(() => {}, LOOK_EVERY_MS);
  // So that it never is what the loop sleeps to.
  look.unref();
  try {
    const limit = timeoutMs === undefined ? {} : { timeout: timeoutMs };
    doorway.runInThisContext({ breakOnSigint: true, displayErrors: false, ...limit });
  } catch {
    // What the work throws never comes out here: it was interrupted.
    result = undefined;
  }
  clearInterval(look);
  step = outer;
  return result ?? "interrupted";
}
