// What is to be stored, checked and copied, so that every store holds the same and nobody changes it from outside.
import type { SessionEvent, SessionRecord } from "./driver.ts";

/** A shorter rule than any store's own: Postgres has no null character in a text, nor half a surrogate pair. */
const NAME = /^[\x20-\x7e]{1,128}$/;

/** @throws TypeError naming the field that is not as it should be */
export function checkedRecord(record: SessionRecord): SessionRecord {
  checkName("id of a session", record.id);
  checkWhole("createdAt of a session", record.createdAt, 0);
  return storable(record);
}

/** With its fields in one order. @throws TypeError naming the field that is not as it should be */
export function checkedEvent(sessionId: string, event: SessionEvent): SessionEvent {
  const { id, eventIndex, createdAt, connectionId, sender, payload } = event;
  checkName("id of a session", sessionId);
  checkName("id of an event", id);
  checkName("connectionId of an event", connectionId);
  checkName("sender of an event", sender);
  checkWhole("eventIndex of an event", eventIndex, 1);
  checkWhole("createdAt of an event", createdAt, 0);
  if (payload === undefined) throw new TypeError("payload of an event is missing");
  return storable({ id, eventIndex, sessionId, createdAt, connectionId, sender, payload });
}

/** Both as checkedEvent made them, whether or not one has been in a store since. */
export const isSameEvent = (one: SessionEvent, other: SessionEvent): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

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
  if (typeof name !== "string" || !NAME.test(name)) {
    throw new TypeError(`${what} is not a text of 1 to 128 characters without control characters: ${String(name)}`);
  }
}

function checkWhole(what: string, value: unknown, least: number): void {
  if (!Number.isSafeInteger(value) || Number(value) < least) {
    throw new TypeError(`${what} is not a whole number from ${least} on: ${String(value)}`);
  }
}
