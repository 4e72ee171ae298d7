// Time as the Worker sees it: it goes on as ever, and can be put forward. Far ahead from the beginning, so that alarms
// come when the test runs them and never by themselves.
// What is waited for is bounded; the bound of a call that never answers is short, so that no test waits for it.
import { vi } from "vitest";

const AHEAD_MS = 7 * 86_400_000;

/** Bounds of single calls to the bucket and the supervisor, and what they are while something hangs. */
const BOUNDS_MS = { from: 20_000, to: 300_000, hanging: 700 } as const;

let aheadMs = AHEAD_MS;
let hanging = false;

/** Once per test file. */
export function holdTime(): void {
  const now = Date.now.bind(Date);
  vi.spyOn(Date, "now").mockImplementation(() => now() + aheadMs);
  const { setTimeout } = globalThis;
  // SAFETY: as the real one, whose overloads are one function.
  const bounded = ((work: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
    const end = (): void => {
      hanging = false;
      work(...args);
    };
    return isShortened(ms) ? setTimeout(end, BOUNDS_MS.hanging) : setTimeout(work, ms, ...args);
  }) as typeof setTimeout;
  vi.spyOn(globalThis, "setTimeout").mockImplementation(bounded);
}

/** Bounds that are set from now on are short, until one of them has been reached. */
export function shortenBounds(): void {
  hanging = true;
}

/** All is as it should be again. */
export function restoreBounds(): void {
  hanging = false;
}

function isShortened(ms = 0): boolean {
  return hanging && ms >= BOUNDS_MS.from && ms <= BOUNDS_MS.to;
}

export function passTime(ms: number): void {
  aheadMs += ms;
}
