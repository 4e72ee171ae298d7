// Time as the Worker sees it: it goes on as ever, and can be put forward. Far ahead from the beginning, so that alarms
// come when the test runs them and never by themselves.
import { vi } from "vitest";

const AHEAD_MS = 7 * 86_400_000;

let aheadMs = AHEAD_MS;

/** Once per test file. */
export function holdTime(): void {
  const now = Date.now.bind(Date);
  vi.spyOn(Date, "now").mockImplementation(() => now() + aheadMs);
}

export function passTime(ms: number): void {
  aheadMs += ms;
}
