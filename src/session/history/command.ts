// What the Worker asks of a session's history, as the JSON body of a POST to the session's object: what a client has sent
// and the contract has parsed. Payloads and records are JSON text already, and stay it.
import type { MessageType } from "../../contract/history.ts";

/** Of the session's object. */
export const HISTORY_PATH = "/history";

export interface AppendedEvent {
  readonly id: string;
  readonly type: string;
  readonly sender: string;
  readonly connectionId: string | null;
  /** JSON text. */
  readonly payload: string;
  /** Null: now. */
  readonly createdAt: number | null;
  /** Null: the next one. */
  readonly eventIndex: number | null;
}

export interface Filter {
  /** Null: all. */
  readonly types: readonly string[] | null;
  readonly senders: readonly string[] | null;
}

export interface PageRequest extends Filter {
  /** Only those above it. */
  readonly after: number;
  /** Of the last one of the page before; null: the first page. */
  readonly cursor: number | null;
  readonly order: "asc" | "desc";
  readonly limit: number;
  /** Null: any. */
  readonly q: string | null;
}

export interface ReplayRequest extends Filter {
  readonly maxEvents: number;
  readonly maxChars: number;
}

export interface FollowRequest extends Filter {
  /** Null: from now on. */
  readonly after: number | null;
}

/** `thread` null: the session's own. */
export type HistoryCommand =
  | { readonly op: "append"; readonly thread: string | null; readonly events: readonly AppendedEvent[] }
  | ({ readonly op: "list"; readonly thread: string | null; readonly as: "events" | "messages" } & PageRequest)
  | { readonly op: "get"; readonly eventId: string }
  | { readonly op: "clear"; readonly thread: string | null; readonly types: readonly MessageType[] | null }
  | ({ readonly op: "follow"; readonly thread: string | null } & FollowRequest)
  | ({ readonly op: "replay"; readonly thread: string | null } & ReplayRequest)
  | { readonly op: "list threads"; readonly cursor: string | null; readonly limit: number }
  | { readonly op: "get thread"; readonly threadId: string }
  | {
      readonly op: "put thread";
      readonly threadId: string;
      /** JSON text. */
      readonly record: string;
      /** Null: as it is, or now. */
      readonly createdAt: number | null;
    }
  | { readonly op: "delete thread"; readonly threadId: string };
