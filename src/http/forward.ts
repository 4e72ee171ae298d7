// Hands a request on to a session's supervisor as a stream: bodies pass through untouched, both ways.
import { keyHeader, SESSION_HEADERS } from "../session/rpc.ts";
import type { SessionRpc } from "../session/rpc.ts";
import type { Call } from "./call.ts";

/** What a client may tell the supervisor; its key, for one, is none of its business. */
const PASSED_ON = [
  "accept",
  "content-type",
  "content-length",
  "range",
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
  "if-range",
] as const;

export interface Forwarded {
  /** Of the supervisor, with query. */
  readonly path: string;
  /** Absent: the client's own. */
  readonly method?: string;
  /** In place of the client's body. */
  readonly json?: string;
}

export function forward(call: Call, session: SessionRpc, target: Forwarded): Promise<Response> {
  const headers = new Headers({
    [SESSION_HEADERS.account]: call.principal.accountId,
    [SESSION_HEADERS.key]: keyHeader(call.principal),
  });
  if (target.json === undefined) {
    for (const name of PASSED_ON) {
      const value = call.request.headers.get(name);
      if (value !== null) {
        headers.set(name, value);
      }
    }
  } else {
    headers.set("content-type", "application/json");
  }
  // A compressed answer would have no length and no ranges.
  headers.set("accept-encoding", "identity");
  return session.fetch(
    new Request(`http://supervisor${target.path}`, {
      method: target.method ?? call.request.method,
      headers,
      body: target.json ?? call.request.body,
    }),
  );
}
