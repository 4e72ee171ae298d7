// Examples of a session's history.
import type { ROUTES } from "../routes.ts";
import type { Examples } from "./example.ts";
import { ID } from "./values.ts";

const at = Date.UTC(2026, 0, 31, 12);
const place = { id: ID.event, eventIndex: 1, createdAt: at };
const event = {
  ...place,
  sessionId: "conversation-7",
  connectionId: null,
  sender: "agent",
  type: "agent_response",
  payload: { content: "The answer is 42." },
};
const thread = { id: "conversation-7", record: { agent: "mock" }, createdAt: at, updatedAt: at, events: 1 };

export const HISTORY_EXAMPLES = {
  appendEvents: {
    bodies: {
      "One event": { type: "note", payload: { text: "tests are green" } },
      "Several, in a thread, safe to send again": {
        thread: "conversation-7",
        events: [
          { id: "turn-1", sender: "user", payload: { text: "What is the answer?" } },
          { id: "turn-2", sender: "agent", payload: { text: "42" } },
        ],
      },
    },
    answer: { items: [place] },
  },
  listEvents: { answer: { items: [event], nextCursor: null } },
  clearEvents: { answer: { deleted: 2 } },
  followHistory: {},
  getHistoryEvent: { answer: event },
  listThreads: { answer: { items: [thread], nextCursor: null } },
  getThread: { answer: thread },
  putThread: { bodies: { "Of an agent": { record: thread.record } }, answer: thread },
  deleteThread: { answer: { deleted: true, threadId: "conversation-7" } },
  addMessages: {
    bodies: {
      "One message": { type: "user_message", content: "What is the answer?" },
      "A turn": {
        messages: [
          { type: "user_message", content: "What is the answer?" },
          { type: "agent_response", content: "The answer is 42.", metadata: { model: "small" } },
        ],
      },
    },
    answer: { items: [place] },
  },
  listMessages: {
    answer: {
      items: [
        {
          ...place,
          type: "agent_response",
          content: "The answer is 42.",
          metadata: { model: "small" },
          sender: "agent",
        },
      ],
      nextCursor: null,
    },
  },
  clearMessages: { answer: { deleted: 2 } },
  replayHistory: {
    answer: {
      text: '…\n{"createdAt":"2026-01-31T12:00:00.000Z","sender":"agent","payload":{"content":"The answer is 42."}}',
      events: 1,
      truncated: false,
    },
  },
} satisfies Partial<Examples<typeof ROUTES>>;
