// Pages: how many items one has, and where it begins.
import type { ListPage, ListPageRequest, SessionRecord } from "./driver.ts";

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1000;

/** @throws RangeError unless it is a whole number from 1 on */
export function limitOf({ limit = LIMIT_DEFAULT }: ListPageRequest): number {
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new RangeError(`limit is not a whole number from 1 on: ${limit}`);
  }
  return Math.min(limit, LIMIT_MAX);
}

/** Where a session stands among all. */
export type SessionPlace = readonly [createdAt: number, id: string];

/** Before every session: none is older than the epoch. */
const BEFORE_ALL: SessionPlace = [-1, ""];

export const placeOf = ({ createdAt, id }: SessionRecord): SessionPlace => [createdAt, id];

export const isAfter = ([createdAt, id]: SessionPlace, [otherCreatedAt, otherId]: SessionPlace): boolean =>
  createdAt === otherCreatedAt ? id > otherId : createdAt > otherCreatedAt;

/** The session after which a page begins. @throws RangeError for what is no cursor of listSessions */
export function sessionsAfter({ cursor = "" }: ListPageRequest): SessionPlace {
  if (cursor === "") return BEFORE_ALL;
  const [, createdAt, id] = /^(\d{1,16})\.(.{1,128})$/u.exec(cursor) ?? [];
  if (createdAt === undefined || id === undefined) throw notACursor("listSessions", cursor);
  return [Number(createdAt), id];
}

/** The index after which a page begins. @throws RangeError for what is no cursor of listEvents */
export function eventsAfter({ cursor = "" }: ListPageRequest): number {
  if (cursor === "") return 0;
  if (!/^\d{1,16}$/.test(cursor)) throw notACursor("listEvents", cursor);
  return Number(cursor);
}

/** A page of what was found when one more than its limit was asked for. */
export function pageOf<T>(found: readonly T[], limit: number, cursorOf: (last: T) => string): ListPage<T> {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return found.length <= limit || last === undefined ? { items } : { items, nextCursor: cursorOf(last) };
}

export const sessionCursor = ({ createdAt, id }: SessionRecord): string => `${createdAt}.${id}`;

export const eventCursor = ({ eventIndex }: { readonly eventIndex: number }): string => String(eventIndex);

const notACursor = (list: string, cursor: string): RangeError =>
  new RangeError(`cursor is none that ${list} has given: ${cursor.slice(0, 100)}`);
