// Which of the account's events was there last: the clock of this machine need not be the platform's.
import { authorization } from "./access.ts";

/** The list of sessions waits for it. */
const LONGEST_MS = 5000;

/** Null where the platform does not say it, which it does to whoever begins to follow. */
export async function newestEvent(abort: AbortSignal): Promise<string | null> {
  const signal = AbortSignal.any([abort, AbortSignal.timeout(LONGEST_MS)]);
  const response = await fetch("/api/events", { headers: { authorization: authorization() }, signal });
  if (!response.ok || response.body === null) return null;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n\n")) {
    const { done, value } = await reader.read();
    if (done) break;
    text += value;
  }
  // It is not to the point how the connection ends.
  void reader.cancel().catch(() => {});
  return /^id: (\S+)$/m.exec(text)?.[1] ?? null;
}
