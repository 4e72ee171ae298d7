// Calls that wait for the test: what the objects ask of each other, the engine and the supervisor is held up, or fails, at a
// moment of its choice. Promises are not shared between objects, so whoever waits here looks again.
import { vi } from "vitest";
import { until } from "./client.ts";

export interface Held {
  /** Resolves when the call is held. */
  readonly reached: () => Promise<void>;
  readonly letGo: () => void;
}

export interface Holding extends Held {
  /** For whoever is to be held. */
  readonly pass: () => Promise<void>;
}

export function holding(what: string): Holding {
  let isReached = false;
  let isOpen = false;
  return {
    reached: () => until(`${what} is asked for`, async () => isReached),
    letGo: () => {
      isOpen = true;
    },
    pass: () => {
      isReached = true;
      return until(`${what} is let go`, async () => isOpen);
    },
  };
}

/** Has `interfere` answer such calls of the engine and the supervisor; resolves with what ends that. */
export function interceptFetch(
  method: string,
  path: string,
  interfere: (call: () => Promise<Response>) => Promise<Response>,
): () => void {
  const real = globalThis.fetch;
  const spy = vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => {
    const { pathname } = new URL(input instanceof Request ? input.url : String(input));
    const asked = input instanceof Request ? input.method : (init?.method ?? "GET");
    const call = (): Promise<Response> => real(input, init);
    return asked === method && pathname === path ? interfere(call) : call();
  });
  return () => spy.mockRestore();
}
