// A session's history on the wire: an append-only log of events in threads, messages as a view of it, and its replay.
import * as z from "zod";
import { HISTORY } from "./limits.ts";
import { intQuery, Text } from "./primitives.ts";

/** Those that a path could not hold. */
const NOT_IDS: ReadonlySet<string> = new Set([".", "..", "stream"]);

const HistoryId = z
  .string()
  .regex(/^[\x20-\x7e]{1,128}$/, "is not 1 to 128 characters of printable ASCII")
  .refine((id) => !NOT_IDS.has(id), "cannot be used as an id");
export const HistoryEventId = HistoryId.meta({
  description: "Unique in the session. What is sent again with the same id is written once",
  examples: ["evt_4k2m9x7q1w8e3r5t6y0u"],
});
export const ThreadId = HistoryId.meta({
  description: "A thread of this session. The session's own has the session's id",
  examples: ["conversation-7"],
});

/** A comma would end it in a filter. */
const Word = z
  .string()
  .regex(/^[\x20-\x2b\x2d-\x7e]{1,64}$/, "is not 1 to 64 characters of printable ASCII without a comma");
const EventType = Word.meta({ examples: ["event"] });
const Sender = Word.meta({ description: "Who says it", examples: ["client", "agent", "user", "system"] });
const ConnectionId = Text.max(128).nullable();
/** The latest that a `Date` can be. */
const Time = z.int().min(0).max(8.64e15).meta({ description: "Milliseconds since the epoch" });
const EventIndex = z
  .int()
  .min(1)
  .max(HISTORY.indexMost)
  .meta({ description: "Its place in its thread: from 1 on, without gaps, never used twice" });
const Payload = z.unknown().meta({ description: "Any JSON, at most 1 MB as JSON text" });

export const HistoryEvent = z
  .object({
    id: HistoryEventId,
    eventIndex: EventIndex,
    sessionId: ThreadId.meta({ description: "The thread" }),
    connectionId: ConnectionId,
    sender: Sender,
    type: EventType,
    payload: Payload,
    createdAt: Time,
  })
  .meta({ id: "HistoryEvent" });
export type HistoryEvent = z.infer<typeof HistoryEvent>;

export const MESSAGE_TYPES = [
  "user_message",
  "agent_thinking",
  "agent_response",
  "agent_tool_use",
  "agent_tool_response",
] as const;
export const MessageType = z.enum(MESSAGE_TYPES);
export type MessageType = z.infer<typeof MessageType>;

const MessagePayload = z.looseObject({ content: Text, metadata: z.record(z.string(), z.unknown()).optional() });
const isMessageType = (type: string): type is MessageType => (MESSAGE_TYPES as readonly string[]).includes(type);

const EVENT_FIELDS = {
  id: HistoryEventId.optional().meta({ description: "Absent: a new one. With one of yours, sending it again is safe" }),
  type: EventType.optional().meta({ description: "Absent: `event`" }),
  sender: Sender.optional().meta({ description: "Absent: `client`" }),
  connectionId: ConnectionId.optional(),
  payload: Payload,
  createdAt: Time.optional().meta({ description: "Milliseconds since the epoch. Absent: now" }),
  eventIndex: EventIndex.optional().meta({ description: "Which it must get; where that is not the next, `conflict`" }),
};

export const NewEvent = z
  .strictObject({
    ...EVENT_FIELDS,
    payload: Payload.refine((payload) => payload !== undefined, "is missing"),
  })
  .refine(
    ({ type, payload }) => type === undefined || !isMessageType(type) || MessagePayload.safeParse(payload).success,
    {
      message: "is not a message, {content: text, metadata?: object}, which an event of this type has to be",
      path: ["payload"],
    },
  )
  .meta({ id: "NewEvent" });
export type NewEvent = z.infer<typeof NewEvent>;

const batchOf = <S extends z.ZodType>(schema: S): z.ZodArray<S> => z.array(schema).min(1).max(HISTORY.batch);

/** One event, or several: all of them are written, or none. */
export const AppendEvents = z
  .strictObject({
    ...EVENT_FIELDS,
    payload: Payload.optional(),
    thread: ThreadId.optional(),
    events: batchOf(NewEvent).optional(),
  })
  .transform(({ thread, events, ...event }, context) => ({
    thread,
    events: events === undefined ? [checked(NewEvent, event, context)] : alone(events, event, context),
  }))
  .meta({ id: "AppendEvents", description: "One event, or `events`, of which all are written or none" });
export type AppendEvents = z.infer<typeof AppendEvents>;

/** What was given in place of a list of one. */
function checked<S extends z.ZodType>(schema: S, value: unknown, context: z.RefinementCtx): z.output<S> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    context.issues.push(...parsed.error.issues.map((issue) => ({ ...issue, input: value }) as z.core.$ZodRawIssue));
    return z.NEVER;
  }
  return parsed.data;
}

function alone<T>(list: T, beside: object, context: z.RefinementCtx): T {
  const [name] = Object.keys(beside);
  if (name !== undefined) {
    context.issues.push({ code: "custom", path: [name], message: "cannot stand beside a list", input: beside });
  }
  return list;
}

export const Appended = z
  .object({ items: z.array(z.object({ id: HistoryEventId, eventIndex: EventIndex, createdAt: Time })) })
  .meta({ id: "Appended", description: "In the order of the request" });
export type Appended = z.infer<typeof Appended>;

/** `?type=a,b` as a list; null where it is absent. */
const listOf = <T extends string>(
  schema: z.ZodType<T>,
  example: string,
): z.ZodType<readonly T[] | null, string | undefined> => {
  const list = z.array(schema).max(HISTORY.filters);
  return z
    .string()
    .optional()
    .transform((text, context) => (text === undefined ? null : checked(list, [...new Set(text.split(","))], context)))
    .meta({
      override: { type: "string", examples: [example] },
      description: "One, or several separated by commas. Absent: all",
    });
};

const OfThread = z.object({
  thread: ThreadId.optional().meta({ description: "Absent: the session's own" }),
});
export const ThreadQuery = OfThread;
const Filter = OfThread.extend({ type: listOf(EventType, "event,note"), sender: listOf(Sender, "agent,user") });
const After = intQuery({ min: 0, max: HISTORY.indexMost, default: 0 });

export const HistoryQuery = Filter.extend({
  cursor: z
    .string()
    .regex(/^\d{1,9}$/, "is not a cursor: give `nextCursor` of the page before")
    .optional()
    .meta({ description: "`nextCursor` of the page before, in the same order" }),
  after: After.meta({ description: "Only those whose `eventIndex` is larger" }),
  order: z.enum(["asc", "desc"]).default("asc"),
  limit: intQuery({ min: 1, max: HISTORY.page, default: 100 }),
  q: Text.max(HISTORY.queryCharacters)
    .optional()
    .meta({ description: "Words that all have to be in the payload, whatever their case" }),
});
export type HistoryQuery = z.infer<typeof HistoryQuery>;

export const FollowQuery = Filter.extend({
  after: z
    .string()
    .regex(/^\d{1,9}$/, "is not the index of an event")
    .optional()
    .meta({ description: "Begin after this `eventIndex`. Absent: with the next event" }),
});

const NextCursor = z.string().nullable().meta({ description: "null: there are no more" });

export const HistoryPage = z
  .object({ items: z.array(HistoryEvent), nextCursor: NextCursor })
  .meta({ id: "HistoryPage", description: "A page ends at 8 MB of payloads as well" });
export type HistoryPage = z.infer<typeof HistoryPage>;

export const HistoryCleared = z.object({ deleted: z.int().nonnegative() }).meta({ id: "HistoryCleared" });
export type HistoryCleared = z.infer<typeof HistoryCleared>;

const ThreadRecord = z.unknown().meta({ description: "Any JSON of yours, at most 1 MB as JSON text" });
export const Thread = z
  .object({
    id: ThreadId,
    record: ThreadRecord.meta({ description: "null: none was put" }),
    createdAt: Time,
    updatedAt: Time.meta({ description: "When its record was last put, in milliseconds since the epoch" }),
    events: z.int().nonnegative(),
  })
  .meta({ id: "Thread" });
export type Thread = z.infer<typeof Thread>;

export const PutThread = z
  .strictObject({
    record: ThreadRecord.refine((record) => record !== undefined, "is missing"),
    createdAt: Time.optional().meta({ description: "Absent: as it is, or now" }),
  })
  .meta({ id: "PutThread" });
export type PutThread = z.infer<typeof PutThread>;

export const ThreadListQuery = z.object({
  cursor: z
    .string()
    .regex(/^\d{1,16}\.[\x20-\x7e]{1,128}$/, "is not a cursor: give `nextCursor` of the page before")
    .optional(),
  limit: intQuery({ min: 1, max: HISTORY.page, default: 100 }),
});
export const ThreadList = z
  .object({ items: z.array(Thread), nextCursor: NextCursor })
  .meta({ id: "ThreadList", description: "By `createdAt`, then `id`. A page ends at 8 MB of records as well" });
export type ThreadList = z.infer<typeof ThreadList>;
export const ThreadDeleted = z.object({ deleted: z.literal(true), threadId: ThreadId });

export const Message = z
  .object({
    id: HistoryEventId,
    type: MessageType,
    content: z.string(),
    metadata: z.record(z.string(), z.unknown()).nullable(),
    sender: Sender,
    eventIndex: EventIndex,
    createdAt: Time,
  })
  .meta({ id: "Message", description: "An event of the thread, as what was said" });
export type Message = z.infer<typeof Message>;

const MESSAGE_FIELDS = {
  id: EVENT_FIELDS.id,
  type: MessageType,
  content: Text,
  sender: Sender.optional().meta({ description: "Absent: `user` of a user_message, else `agent`" }),
  metadata: z.record(z.string(), z.unknown()).optional(),
};
export const NewMessage = z.strictObject(MESSAGE_FIELDS).meta({ id: "NewMessage" });
export type NewMessage = z.infer<typeof NewMessage>;

export const AddMessages = z
  .strictObject({
    ...MESSAGE_FIELDS,
    type: MessageType.optional(),
    content: Text.optional(),
    thread: ThreadId.optional(),
    messages: batchOf(NewMessage).optional(),
  })
  .transform(({ thread, messages, ...message }, context) => ({
    thread,
    messages: messages === undefined ? [checked(NewMessage, message, context)] : alone(messages, message, context),
  }))
  .meta({ id: "AddMessages", description: "One message, or `messages`, of which all are written or none" });
export type AddMessages = z.infer<typeof AddMessages>;

export const MessageQuery = HistoryQuery.extend({ type: listOf(MessageType, "user_message,agent_response") });
export const MessagePage = z
  .object({ items: z.array(Message), nextCursor: NextCursor })
  .meta({ id: "MessagePage", description: "A page ends at 8 MB of payloads as well" });
export type MessagePage = z.infer<typeof MessagePage>;

const { maxEvents, maxChars } = HISTORY.replay;
export const ReplayQuery = Filter.extend({
  maxEvents: intQuery(maxEvents).meta({ description: "Events at the most" }),
  maxChars: intQuery(maxChars).meta({ description: "Characters of the text at the most, as UTF-16 code units" }),
  sender: Filter.shape.sender.meta({
    description: "One, or several separated by commas. Absent: all but `system`",
  }),
});
export const Replay = z
  .object({
    text: z
      .string()
      .meta({ description: "To put in front of the next prompt of a fresh agent; empty: there is nothing" }),
    events: z.int().nonnegative(),
    truncated: z.boolean().meta({ description: "Older events were left out" }),
  })
  .meta({ id: "Replay" });
export type Replay = z.infer<typeof Replay>;
