// The life of a session as spans and marks, from what is known of it. Pure.
import type { Event, SessionInfo, SessionState, Snapshot } from "../../../sdk/index.ts";

export interface Span {
  readonly state: SessionState;
  readonly from: number;
  readonly to: number;
}

interface Mark {
  readonly at: number;
  readonly kind: "created" | "woken" | "snapshot" | "loss" | "restored" | "execution" | "limit";
  readonly text: string;
}

export interface TimeLine {
  readonly spans: readonly Span[];
  /** Newest first. */
  readonly marks: readonly Mark[];
}

const STATE_AFTER: Readonly<Record<string, SessionState>> = {
  "session.created": "active",
  "session.woken": "active",
  "session.idle": "idle",
  "session.deep_sleep": "deep-sleep",
  "session.lost": "active",
};

export function timeLineOf(
  session: SessionInfo,
  history: readonly Event[],
  snapshots: readonly Snapshot[],
  nowMs: number,
): TimeLine {
  const events = history.toSorted((a, b) => a.at.localeCompare(b.at));
  return { spans: spansOf(session, events, nowMs), marks: marksOf(session, events, snapshots) };
}

function spansOf(session: SessionInfo, events: readonly Event[], nowMs: number): readonly Span[] {
  const spans: Span[] = [];
  let from = Date.parse(session.createdAt);
  let state: SessionState = "active";
  for (const { type, at } of events) {
    const next = STATE_AFTER[type];
    if (next === undefined || next === state) continue;
    spans.push({ state, from, to: Date.parse(at) });
    [state, from] = [next, Date.parse(at)];
  }
  // The session knows its state better than events of which the oldest may be gone.
  spans.push({ state: session.state, from, to: Math.max(from, nowMs) });
  return spans.filter((span) => span.to > span.from);
}

const REASONS: Readonly<Record<Snapshot["reason"], string>> = {
  requested: "snapshot",
  save: "saved by itself",
  "deep-sleep": "saved to sleep",
  terminating: "saved before its container ended",
  "before-restore": "saved before a restore",
  restore: "state after a restore",
  fork: "saved for a fork",
};

function marksOf(session: SessionInfo, events: readonly Event[], snapshots: readonly Snapshot[]): readonly Mark[] {
  const marks: Mark[] = [{ at: Date.parse(session.createdAt), kind: "created", text: "created" }];
  for (const event of events) {
    const mark = markOf(event);
    if (mark !== null) marks.push({ at: Date.parse(event.at), ...mark });
  }
  for (const { createdAt, label, reason, damaged } of snapshots) {
    const name = label === null ? REASONS[reason] : `snapshot “${label}”`;
    marks.push({ at: Date.parse(createdAt), kind: "snapshot", text: damaged === null ? name : `${name}, damaged` });
  }
  if (session.lastRestore !== null) {
    const { at, snapshotId, passedOver } = session.lastRestore;
    const skipped = passedOver.length === 0 ? "" : `, passing over ${passedOver.length} damaged`;
    marks.push({ at: Date.parse(at), kind: "restored", text: `files restored from ${snapshotId}${skipped}` });
  }
  return marks.toSorted((a, b) => b.at - a.at);
}

function markOf({ type, data }: Event): Omit<Mark, "at"> | null {
  switch (type) {
    case "session.woken":
      return { kind: "woken", text: `woken from ${data["from"] === "idle" ? "idle" : "deep sleep"}` };
    case "session.lost":
      return { kind: "loss", text: `its container was lost: ${textOf(data["reason"])}` };
    case "execution.completed":
      return { kind: "execution", text: executionText(data) };
    case "limit.exceeded":
    case "budget.exceeded":
      return { kind: "limit", text: type === "limit.exceeded" ? "a limit was exceeded" : "its budget is spent" };
    case "session.created":
    case "session.idle":
    case "session.deep_sleep":
    case "session.expired":
    case "session.deleted":
      break;
  }
  return null;
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "unknown");

function executionText({ outcome, exitCode }: Event["data"]): string {
  if (outcome === "running") return "an execution runs on in the background";
  return `execution ${textOf(outcome).replace("_", " ")}${typeof exitCode === "number" ? `, exit code ${exitCode}` : ""}`;
}
