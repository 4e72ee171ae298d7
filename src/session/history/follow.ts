// What a follower of a thread is told: read from the table from where it last was, so it costs nothing while it waits and
// misses nothing that is still there.
import { HISTORY } from "../../contract/limits.ts";
import type { Followed } from "../../lib/followers.ts";
import type { FollowRequest } from "./command.ts";
import type { HistoryLog } from "./log.ts";
import { eventsText, takeWhileSmall } from "./pages.ts";
import { indexOf } from "./rows.ts";
import type { ThreadRow } from "./rows.ts";

/** Events that it is given at once. */
const LIMIT = 100;

/** `isThere`: the session is. */
export function followed(
  log: HistoryLog,
  threadId: string,
  { after, types, senders }: FollowRequest,
  isThere: () => boolean,
): Required<Pick<Followed, "next" | "isOver" | "position">> {
  let thread = log.threads.find(threadId);
  let last = after ?? thread?.last_index ?? 0;
  /** Null: it is not there yet. */
  const look = (): ThreadRow | null => {
    const found = log.threads.find(threadId);
    thread ??= found;
    return found;
  };
  const isOver = (): boolean => !isThere() || look()?.key !== thread?.key;
  const next = (): string | null => {
    const found = isOver() ? null : look();
    if (found === null) {
      return null;
    }
    const request = { types, senders, after: last, cursor: null, order: "asc", q: null, limit: LIMIT } as const;
    const seqs = log.pick(found, request);
    const rows = takeWhileSmall(log.read(seqs.slice(0, LIMIT)), HISTORY.streamedBytes, ({ payload }) => payload.length);
    const told = rows.at(-1);
    // Those that are not for it are not looked at again.
    last =
      rows.length === seqs.length ? Math.max(last, found.last_index) : told === undefined ? last : indexOf(told.seq);
    return rows.length === 0 ? null : eventsText(rows, threadId);
  };
  // What comes under its name afterwards counts from the beginning.
  const position = (): number => (isOver() ? 0 : last);
  return { next, isOver, position };
}
