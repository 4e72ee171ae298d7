// Pages of a session's history as JSON. A page ends at its limit, or where its payloads are large enough.
import { HISTORY } from "../../contract/limits.ts";
import type { PageRequest } from "./command.ts";
import type { HistoryLog } from "./log.ts";
import { eventJson, indexOf, messageJson, threadJson } from "./rows.ts";
import type { EventRow, ThreadRow } from "./rows.ts";

export function eventPage(
  log: HistoryLog,
  threadId: string,
  { as, ...request }: PageRequest & { readonly as: "events" | "messages" },
): string {
  const thread = log.threads.find(threadId);
  const seqs = thread === null ? [] : log.pick(thread, request);
  const rows = takeWhileSmall(
    log.read(seqs.slice(0, request.limit)),
    HISTORY.pageBytes,
    ({ payload }) => payload.length,
  );
  const items = rows.map((row) => (as === "events" ? eventJson(row, threadId) : messageJson(row)));
  const last = rows.at(-1);
  return pageJson(items, last === undefined || rows.length === seqs.length ? null : String(indexOf(last.seq)));
}

/** `cursor`: as it was given. */
export function threadPage(log: HistoryLog, cursor: string | null, limit: number): string {
  const [, createdAt, id = ""] = /^(\d+)\.(.*)$/.exec(cursor ?? "") ?? [];
  const found = log.threads.list(createdAt === undefined ? null : { createdAt: Number(createdAt), id }, limit + 1);
  const records = found
    .slice(0, limit)
    .values()
    .map((row) => ({ row, record: log.threads.record(row.key) }));
  const rows = takeWhileSmall(records, HISTORY.pageBytes, ({ record }) => record?.length ?? 0);
  const items = rows.map(({ row, record }) => threadJson(row, record));
  const last: ThreadRow | undefined = rows.at(-1)?.row;
  return pageJson(items, last === undefined || rows.length === found.length ? null : `${last.created_at}.${last.id}`);
}

/** As server-sent events. */
export function eventsText(rows: readonly EventRow[], threadId: string): string {
  return rows
    .map((row) => `event: ${row.type}\nid: ${indexOf(row.seq)}\ndata: ${eventJson(row, threadId)}\n\n`)
    .join("");
}

/** One at least, and no further than where they have that size together. */
export function takeWhileSmall<T>(rows: Iterable<T>, size: number, sizeOf: (row: T) => number): T[] {
  const taken: T[] = [];
  let left = size;
  for (const row of rows) {
    taken.push(row);
    left -= sizeOf(row);
    if (left <= 0) {
      break;
    }
  }
  return taken;
}

function pageJson(items: readonly string[], nextCursor: string | null): string {
  return `{"items":[${items.join(",")}],"nextCursor":${JSON.stringify(nextCursor)}}`;
}
