// All sessions of the account, kept up to date by its events.
import { effect, signal } from "@preact/signals";
import type { Event, Session } from "../../sdk/index.ts";
import { api, client } from "./access.ts";
import { isOffline, noteOutcome } from "./connection.ts";
import { Loader } from "./loaded.ts";
import { newestEvent } from "./newest-event.ts";

const PAGE = 100;
/** The events that say that a session is not there any more. */
const GONE: ReadonlySet<string> = new Set(["session.deleted", "session.expired"]);
/** Between two tries to follow the events again. */
const RETRY_MS = 3000;

/** Newest first. */
export const sessions = new Loader<readonly Session[]>(async (abort) => {
  const all: Session[] = [];
  for (let total = Infinity; all.length < total;) {
    const page = await api().sessions.list({ limit: PAGE, offset: all.length }, { signal: abort });
    all.push(...page.sessions);
    total = page.sessions.length === 0 ? all.length : page.total;
  }
  return all;
});

/** What is known to have happened to each session, oldest first. Who shows details of one asks again when it grows. */
export const histories = signal<ReadonlyMap<string, readonly Event[]>>(new Map());

/** An event that no account has: what follows it is all that are kept. */
const BEFORE_ALL = "evt_00000000000000000000";
/** Of one session. */
const HISTORY_MOST = 500;

/** Hidden while their deletion can still be taken back. */
export const hidden = signal<ReadonlySet<string>>(new Set());

export function putSession(session: Session): void {
  const { value } = sessions.state.peek();
  if (value === null) return;
  const others = value.filter(({ id }) => id !== session.id);
  sessions.set([...others, session].toSorted((a, b) => b.createdAt.localeCompare(a.createdAt)));
}

function removeSession(id: string): void {
  const { value } = sessions.state.peek();
  if (value !== null) sessions.set(value.filter((session) => session.id !== id));
}

function record(event: Event, sessionId: string): void {
  const history = histories.peek().get(sessionId) ?? [];
  if (history.some(({ id }) => id === event.id)) return;
  histories.value = new Map(histories.peek()).set(sessionId, [...history, event].slice(-HISTORY_MOST));
}

async function apply(event: Event, abort: AbortSignal): Promise<void> {
  const { sessionId } = event;
  if (sessionId === null) return;
  if (GONE.has(event.type)) return removeSession(sessionId);
  if (!event.type.startsWith("session.")) return;
  try {
    putSession(await api().sessions.info({ sessionId }, { signal: abort }));
  } catch (error) {
    noteOutcome(error);
  }
}

/** `newest`: of those that are history. */
async function takeIn(newest: string, abort: AbortSignal): Promise<void> {
  let isHistory = newest !== BEFORE_ALL;
  for await (const event of api().events.follow({ after: BEFORE_ALL }, { signal: abort })) {
    if (event.sessionId !== null) record(event, event.sessionId);
    if (!isHistory) void apply(event, abort);
    isHistory &&= event.id !== newest;
  }
}

async function follow(abort: AbortSignal): Promise<void> {
  while (!abort.aborted) {
    try {
      // What happened up to it is history, and in the list, which is asked for after it.
      const newest = await newestEvent(abort).catch(() => null);
      if (abort.aborted) return;
      void sessions.reload();
      if (newest !== null) await takeIn(newest, abort);
    } catch (error) {
      noteOutcome(error);
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

// As long as somebody is signed in.
effect(() => {
  if (client.value === null) return undefined;
  const abort = new AbortController();
  void follow(abort.signal);
  return () => {
    abort.abort();
    sessions.stop();
    sessions.clear();
    histories.value = new Map();
    hidden.value = new Set();
  };
});

// What happened while there was no connection.
effect(() => {
  if (!isOffline.value && sessions.state.peek().value !== null) void sessions.reload();
});
