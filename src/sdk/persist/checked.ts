// What is to be stored, checked and copied, so that every store holds the same and nobody changes it from outside.
import type { SessionEvent, SessionRecord } from "./driver.ts";

/** A shorter rule than any store's own: Postgres has no null character in a text, nor half a surrogate pair. */
const NAME = /^[\x20-\x7e]{1,128}$/;

/** So that there is always a next one. */
const INDEX_MOST = 2 ** 52;

/** A session that is called otherwise is in no store. */
export const isName = (name: unknown): boolean => typeof name === "string" && NAME.test(name);

/** @throws TypeError naming the field that is not as it should be */
export function checkedRecord(record: SessionRecord): SessionRecord {
  // Of the copy, since what is given may make another text of itself.
  const copy = storable(record);
  checkName("id of a session", copy.id);
  checkWhole("createdAt of a session", copy.createdAt, 0);
  if (typeof copy.agent !== "string") throw new TypeError(`agent of a session is not a text: ${String(copy.agent)}`);
  return copy;
}

/** With its fields in one order. @throws TypeError naming the field that is not as it should be */
export function checkedEvent(sessionId: string, event: SessionEvent): SessionEvent {
  const { id, eventIndex, createdAt, connectionId, sender, payload } = event;
  checkName("id of a session", sessionId);
  const copy = storable({ id, eventIndex, sessionId, createdAt, connectionId, sender, payload });
  checkName("id of an event", copy.id);
  checkName("connectionId of an event", copy.connectionId);
  checkName("sender of an event", copy.sender);
  checkWhole("eventIndex of an event", copy.eventIndex, 1, INDEX_MOST);
  checkWhole("createdAt of an event", copy.createdAt, 0);
  if (copy.payload === undefined) throw new TypeError("payload of an event is missing, or nothing that JSON can say");
  return copy;
}

/** Both as checkedEvent made them, whether or not one has been in a store since, which may have given it another index. */
export const isSameEvent = (one: SessionEvent, other: SessionEvent): boolean =>
  JSON.stringify({ ...one, eventIndex: 0 }) === JSON.stringify({ ...other, eventIndex: 0 });

/** What JSON keeps of it. */
export const copyOf = <T>(value: T): T => JSON.parse(JSON.stringify(value));

/**
 * A copy in which half of a surrogate pair is U+FFFD, as UTF-8 has it: an agent may cut its words in the middle of a
 * character. JSON.stringify writes it, and it alone, as an escape.
 */
function storable<T>(value: T): T {
  const text = JSON.stringify(value);
  return JSON.parse(
    text.replaceAll(/\\(?:(ud[89a-f][0-9a-f]{2})|.)/g, (escape, half) => (half === undefined ? escape : "\ufffd")),
  );
}

function checkName(what: string, name: unknown): void {
  if (!isName(name)) {
    throw new TypeError(`${what} is not a text of 1 to 128 characters without control characters: ${String(name)}`);
  }
}

function checkWhole(what: string, value: unknown, least: number, most = Number.MAX_SAFE_INTEGER): void {
  if (!Number.isSafeInteger(value) || Number(value) < least || Number(value) > most) {
    throw new TypeError(`${what} is not a whole number from ${least} to ${most}: ${String(value)}`);
  }
}
