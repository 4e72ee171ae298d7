// What only a session itself knows, such as how much of its disk is used: asked for those that are seen, a few at a
// time and not too often, since an account's requests are limited.
import { signal } from "@preact/signals";
import type { SessionInfo } from "../../sdk/index.ts";
import { api } from "./access.ts";
import { noteOutcome } from "./connection.ts";

/** Asked again at the earliest after this. */
const FRESH_MS = 30_000;
const AT_ONCE = 4;

export const details = signal<ReadonlyMap<string, SessionInfo>>(new Map());
const askedAt = new Map<string, number>();
const waiting: string[] = [];
let running = 0;

/** Has the details of a session that is seen fetched, when they are not fresh. */
export function wantDetails(sessionId: string): void {
  if (Date.now() - (askedAt.get(sessionId) ?? 0) < FRESH_MS) return;
  askedAt.set(sessionId, Date.now());
  waiting.push(sessionId);
  void fetchNext();
}

async function fetchNext(): Promise<void> {
  if (running >= AT_ONCE) return;
  // The one that came into view last is looked at now.
  const sessionId = waiting.pop();
  if (sessionId === undefined) return;
  running += 1;
  try {
    details.value = new Map(details.peek()).set(sessionId, await api().sessions.info({ sessionId }));
  } catch (error) {
    noteOutcome(error);
  } finally {
    running -= 1;
    void fetchNext();
  }
}
