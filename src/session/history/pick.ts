// Which events a page has, as their places in the table: found in an index where there is one for what is asked, so that a
// page costs what it holds and not what the log holds.
import type { Filter } from "./command.ts";
import { matchOf } from "./search.ts";

export interface Picked extends Filter {
  /** Both outside. */
  readonly above: number;
  readonly below: number;
  readonly order: "asc" | "desc";
  readonly limit: number;
  /** Null: any. */
  readonly q: string | null;
  /** Leave out what the platform has written itself. */
  readonly withoutSystem?: boolean;
}

export function pickSeqs(sql: SqlStorage, picked: Picked): number[] {
  const { types, senders, q, order, limit } = picked;
  if (q !== null) {
    const match = matchOf(q);
    return match === null ? [] : select(sql, picked, { match });
  }
  // Of several types each has its place in the index: what they give together is merged.
  const lists =
    types !== null
      ? types.map((type) => select(sql, picked, { type }))
      : senders !== null
        ? senders.map((sender) => select(sql, picked, { sender }))
        : [select(sql, picked, {})];
  const [only = []] = lists;
  return lists.length === 1
    ? only
    : lists
        .flat()
        .toSorted((one, other) => (order === "asc" ? one - other : other - one))
        .slice(0, limit);
}

interface By {
  readonly match?: string;
  readonly type?: string;
  readonly sender?: string;
}

function select(sql: SqlStorage, picked: Picked, { match, type, sender }: By): number[] {
  const { above, below, order, limit, types, senders, withoutSystem } = picked;
  const isOneOf = (column: string): string => `${column} IN (SELECT value FROM json_each(?))`;
  const conditions: [string, SqlStorageValue][] = [];
  if (match !== undefined) {
    conditions.push(["event_text MATCH ?", match], ["event_text.rowid > ?", above], ["event_text.rowid < ?", below]);
  } else {
    conditions.push(["seq > ?", above], ["seq < ?", below]);
  }
  if (type !== undefined) {
    conditions.push(["type = ?", type]);
  } else if (types !== null) {
    conditions.push([isOneOf("type"), JSON.stringify(types)]);
  }
  if (sender !== undefined) {
    conditions.push(["sender = ?", sender]);
  } else if (senders !== null) {
    conditions.push([isOneOf("sender"), JSON.stringify(senders)]);
  }
  if (withoutSystem === true) {
    conditions.push(["sender <> ?", "system"]);
  }
  const isPlain = match !== undefined && conditions.length === 3;
  const place = match === undefined ? "seq" : "event_text.rowid";
  const from =
    match === undefined ? "event" : `event_text${isPlain ? "" : " CROSS JOIN event ON event.seq = event_text.rowid"}`;
  const where = conditions.map(([condition]) => condition).join(" AND ");
  return sql
    .exec<{ seq: number }>(
      `SELECT ${place} AS seq FROM ${from} WHERE ${where} ORDER BY ${place} ${order} LIMIT ?`,
      ...conditions.map(([, value]) => value),
      limit,
    )
    .toArray()
    .map(({ seq }) => seq);
}
