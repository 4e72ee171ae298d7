// A session's history. The session's object answers all of it, as streams: a page may be larger than RPC's 32 MiB.
import { MESSAGE_TYPES } from "../../contract/history.ts";
import type { NewEvent, NewMessage } from "../../contract/history.ts";
import { randomText } from "../../contract/ids.ts";
import { HISTORY } from "../../contract/limits.ts";
import { fail, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import type { AppendedEvent, HistoryCommand } from "../../session/history/command.ts";
import type { Handlers } from "../bind.ts";
import type { Call } from "../call.ts";
import { forward } from "../forward.ts";
import { findSession } from "../session-ref.ts";

export const historyHandlers = {
  appendEvents: (call, { params, body }) => append(call, params.id, body),

  listEvents: (call, { params, query: { thread = null, cursor, q = null, type: types, sender: senders, ...page } }) =>
    ask(call, params.id, {
      op: "list",
      as: "events",
      thread,
      ...page,
      cursor: numberOf(cursor),
      q,
      types,
      senders,
    }),

  clearEvents: (call, { params, query }) =>
    ask(call, params.id, { op: "clear", thread: query.thread ?? null, types: null }),

  async followHistory(call, { params, query: { thread = null, after, type: types, sender: senders } }) {
    const last = call.request.headers.get("last-event-id");
    if (last !== null && !/^\d{1,9}$/.test(last)) {
      return fail(
        "invalid_request",
        "The Last-Event-ID header is no index of an event. Send the last one you were given.",
      );
    }
    // What a client reconnects with is newer than the address that it began with.
    const begin = numberOf(last ?? after);
    return ask(call, params.id, { op: "follow", thread, after: begin, types, senders });
  },

  getHistoryEvent: (call, { params }) => ask(call, params.id, { op: "get", eventId: params.eventId }),

  listThreads: (call, { params, query: { cursor = null, limit } }) =>
    ask(call, params.id, { op: "list threads", cursor, limit }),

  getThread: (call, { params }) => ask(call, params.id, { op: "get thread", threadId: params.threadId }),

  async putThread(call, { params, body: { record, createdAt = null } }) {
    const text = textOf(record, "record");
    return text.ok
      ? ask(call, params.id, { op: "put thread", threadId: params.threadId, record: text.value, createdAt })
      : text;
  },

  deleteThread: (call, { params }) => ask(call, params.id, { op: "delete thread", threadId: params.threadId }),

  addMessages: (call, { params, body: { thread, messages } }) =>
    append(call, params.id, { thread, events: messages.map(eventOfMessage) }),

  listMessages: (call, { params, query: { thread = null, cursor, q = null, type: types, sender: senders, ...page } }) =>
    ask(call, params.id, {
      op: "list",
      as: "messages",
      thread,
      ...page,
      cursor: numberOf(cursor),
      q,
      types: types ?? MESSAGE_TYPES,
      senders,
    }),

  clearMessages: (call, { params, query }) =>
    ask(call, params.id, { op: "clear", thread: query.thread ?? null, types: MESSAGE_TYPES }),

  replayHistory: (call, { params, query: { thread = null, maxEvents, maxChars, type: types, sender: senders } }) =>
    ask(call, params.id, { op: "replay", thread, maxEvents, maxChars, types, senders }),
} satisfies Partial<Handlers>;

async function ask(call: Call, ref: string, command: HistoryCommand): Promise<Result<never> | Response> {
  const session = await findSession(call, ref);
  return session.ok
    ? forward(call, session.value, { path: "/history", method: "POST", json: JSON.stringify(command) })
    : session;
}

async function append(
  call: Call,
  ref: string,
  { thread, events }: { readonly thread?: string | undefined; readonly events: readonly NewEvent[] },
): Promise<Result<never> | Response> {
  const appended: AppendedEvent[] = [];
  let left: number = HISTORY.batchCharacters;
  for (const event of events) {
    const payload = textOf(event.payload, "payload");
    if (!payload.ok) {
      return payload;
    }
    left -= payload.value.length;
    if (left < 0) {
      return fail(
        "payload_too_large",
        `The payloads of these events have more than ${HISTORY.batchCharacters} characters together. Send fewer at once.`,
        { limitCharacters: HISTORY.batchCharacters },
      );
    }
    appended.push({
      id: event.id ?? newEventId(),
      type: event.type ?? "event",
      sender: event.sender ?? "client",
      connectionId: event.connectionId ?? null,
      payload: payload.value,
      createdAt: event.createdAt ?? null,
      eventIndex: event.eventIndex ?? null,
    });
  }
  return ask(call, ref, { op: "append", thread: thread ?? null, events: appended });
}

/** As every event's. It begins with the time: what is written together lies together in the log's index, however large that is. */
function newEventId(): string {
  const time = Date.now().toString(36).padStart(9, "0");
  return `evt_${time}${randomText(11)}`;
}

function eventOfMessage({ id, type, content, sender, metadata }: NewMessage): NewEvent {
  return {
    id,
    type,
    sender: sender ?? (type === "user_message" ? "user" : "agent"),
    payload: metadata === undefined ? { content } : { content, metadata },
  };
}

function textOf(value: unknown, what: "payload" | "record"): Result<string> {
  const text = JSON.stringify(value);
  // A character is three bytes at the most.
  const bytes = text.length * 3 <= HISTORY.payloadBytes ? 0 : new TextEncoder().encode(text).length;
  return bytes <= HISTORY.payloadBytes
    ? ok(text)
    : fail(
        "payload_too_large",
        `A ${what} has ${bytes} bytes as JSON; ${HISTORY.payloadBytes} are the most. Split it.`,
        {
          bytes,
          limitBytes: HISTORY.payloadBytes,
        },
      );
}

function numberOf(text: string | undefined): number | null {
  return text === undefined ? null : Number(text);
}
