// The rows of a session's history, and how they read as JSON. Payloads and records are JSON text, put in as they are.
// A row's `seq` is its thread's key and its index there in one number: rows lie in the order of their threads, and so do
// the words of a search.
import { HISTORY } from "../../contract/limits.ts";

/** Above every index. */
const SPAN = 2 ** 30;
/** Of threads that a session ever had: above it, `seq` would be no safe integer. */
export const KEYS_MOST = 2 ** 23 - 1;

export interface EventRow extends Record<string, SqlStorageValue> {
  readonly seq: number;
  readonly id: string;
  readonly type: string;
  readonly sender: string;
  readonly connection_id: string | null;
  readonly created_at: number;
  readonly payload: string;
}
export const EVENT_COLUMNS = "seq, id, type, sender, connection_id, created_at, payload";

export interface ThreadRow extends Record<string, SqlStorageValue> {
  readonly key: number;
  readonly id: string;
  readonly created_at: number;
  readonly updated_at: number;
  readonly last_index: number;
  readonly events: number;
}
export const THREAD_COLUMNS = "key, id, created_at, updated_at, last_index, events";

export function seqOf(threadKey: number, eventIndex: number): number {
  return threadKey * SPAN + eventIndex;
}

export function keyOf(seq: number): number {
  return Math.floor(seq / SPAN);
}

export function indexOf(seq: number): number {
  return seq % SPAN;
}

/** Where a thread's rows are, both ends outside: those with an index above one, and below another. */
export function rangeOf(threadKey: number, above = 0, below = HISTORY.indexMost + 1): { above: number; below: number } {
  return { above: seqOf(threadKey, above), below: seqOf(threadKey, below) };
}

export function eventJson(row: EventRow, threadId: string): string {
  const { id, connection_id: connectionId, sender, type, created_at: createdAt } = row;
  const head = JSON.stringify({ id, eventIndex: indexOf(row.seq), sessionId: threadId, connectionId, sender, type });
  return `${head.slice(0, -1)},"payload":${row.payload},"createdAt":${createdAt}}`;
}

export function messageJson({ id, type, sender, seq, created_at: createdAt, payload }: EventRow): string {
  // SAFETY: nothing else is taken for an event of these types, see contract/history.ts.
  const { content, metadata = null } = JSON.parse(payload) as { content: string; metadata?: object };
  return JSON.stringify({ id, type, content, metadata, sender, eventIndex: indexOf(seq), createdAt });
}

/** `record`: null where none was put. */
export function threadJson(
  { id, created_at: createdAt, updated_at: updatedAt, events }: ThreadRow,
  record: string | null,
): string {
  return `{"id":${JSON.stringify(id)},"record":${record ?? "null"},"createdAt":${createdAt},"updatedAt":${updatedAt},"events":${events}}`;
}
