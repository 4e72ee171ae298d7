// Which event a change of state is, if any: (state, what happened, state) → event. Pure. That a session was created or is
// gone, its account tells, which enters it and takes it out.
import type { Event, EventType } from "../contract/events.ts";
import type { SessionEvent } from "./machine.ts";
import { visibleState } from "./state.ts";
import type { SessionState } from "./state.ts";
import type { Facts } from "./store.ts";

export interface StateEvent {
  readonly type: EventType;
  readonly data: Event["data"];
}

export function stateEvent(
  before: SessionState,
  happened: SessionEvent["type"],
  after: SessionState,
  lastLoss: Facts["lastLoss"] | null,
): StateEvent | null {
  const from = visibleState(before);
  const to = visibleState(after);
  if (!isThere(before) || !isThere(after) || from === to) {
    return null;
  }
  if (happened === "lost") {
    const savedAt = lastLoss?.savedAt ?? null;
    return {
      type: "session.lost",
      data: {
        reason: lastLoss?.reason ?? "its container ended",
        savedAt: savedAt === null ? null : new Date(savedAt).toISOString(),
      },
    };
  }
  switch (to) {
    case "active":
      return { type: "session.woken", data: { from } };
    case "idle":
      return { type: "session.idle", data: {} };
    case "deep-sleep":
      break;
  }
  return { type: "session.deep_sleep", data: {} };
}

function isThere({ phase }: SessionState): boolean {
  return phase !== "gone" && phase !== "deleting";
}
