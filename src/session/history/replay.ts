// The newest events as text for a fresh agent: whole ones, oldest first, as many as fit. Pure.
import type { Replay } from "../../contract/history.ts";
import { PREAMBLE, TRUNCATED, withoutReplay } from "./replayed.ts";

/** As it is stored. */
export interface ReplayedEvent {
  readonly created_at: number;
  readonly sender: string;
  /** JSON text. */
  readonly payload: string;
}

/** `newestFirst` is read no further than it fits. */
export function replayOf(
  newestFirst: Iterable<ReplayedEvent>,
  { maxEvents, maxChars }: { readonly maxEvents: number; readonly maxChars: number },
): Replay {
  const lines: string[] = [];
  let left = maxChars - PREAMBLE.length;
  let truncated = false;
  for (const event of newestFirst) {
    const line = lines.length < maxEvents ? lineOf(event) : null;
    if (line === null || line.length >= left) {
      truncated = true;
      break;
    }
    lines.push(line);
    left -= line.length + 1;
  }
  if (truncated) {
    // The mark wants a place, too.
    while (left <= TRUNCATED.length) {
      left += (lines.pop()?.length ?? maxChars) + 1;
    }
  }
  const text = [PREAMBLE, ...(truncated ? [TRUNCATED] : []), ...lines.toReversed()].join("\n");
  return { text: lines.length > 0 || truncated ? text : "", events: lines.length, truncated };
}

function lineOf({ created_at: createdAt, sender, payload }: ReplayedEvent): string {
  return JSON.stringify({ createdAt: new Date(createdAt).toISOString(), sender, payload: withoutReplay(payload) });
}
