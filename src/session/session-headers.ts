// What the Worker tells a session's object in headers, apart from those that go on into the container. Pure.
import { SESSION_HEADERS } from "./rpc.ts";

export interface Told {
  /** Those that go on. */
  readonly headers: Headers;
  /** Null: the public asks. */
  readonly accountId: string | null;
  /** Empty: none. */
  readonly key: string;
  /** Null: the supervisor. */
  readonly port: string | null;
  readonly tokens: readonly string[];
}

export function takeHeaders(request: Request): Told {
  const headers = new Headers(request.headers);
  const told = {
    headers,
    accountId: headers.get(SESSION_HEADERS.account),
    key: headers.get(SESSION_HEADERS.key) ?? "",
    port: headers.get(SESSION_HEADERS.port),
    tokens: headers.get(SESSION_HEADERS.tokens)?.split(",") ?? [],
  };
  for (const name of Object.values(SESSION_HEADERS)) {
    headers.delete(name);
  }
  // Answered already, here; a container port takes it for a second answer and fails the upload.
  headers.delete("expect");
  return told;
}
