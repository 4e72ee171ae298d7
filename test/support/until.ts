// Waiting for something to become true, without sleeping for it: asks again and again until a deadline.
import { setTimeout as delay } from "node:timers/promises";

/**
 * The first answer that is neither undefined, null nor false.
 * @throws Error naming `what` when there was none in time
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  { deadlineMs = 10_000 } = {},
): Promise<T> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== null && answer !== false) return answer;
    if (Date.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await delay(20);
  }
}
