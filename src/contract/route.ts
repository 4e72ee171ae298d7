// What one operation of the API is. All of them are in routes.ts.
import * as z from "zod";
import type { ErrorCode } from "./errors.ts";
import type { Scope } from "./account.ts";
import { SessionRef } from "./session.ts";

type Method = "get" | "put" | "post" | "patch" | "delete" | "head";
/** What a success carries: JSON of a schema, or bytes of a media type. */
type Answer = { readonly json: z.ZodType; readonly sse?: true } | { readonly bytes: string } | { readonly empty: true };

export interface Route {
  readonly method: Method;
  /** `{name}` for a parameter; `{path}` at the end takes the rest, slashes included. */
  readonly path: string;
  /** Other paths that do the same. */
  readonly aliases?: readonly string[];
  readonly tag:
    | "Sessions"
    | "Execute"
    | "Contexts"
    | "History"
    | "Terminals"
    | "Files"
    | "Snapshots"
    | "Previews"
    | "Events"
    | "Account"
    | "Operator";
  readonly summary: string;
  /** What a key must be allowed to do. `operator`: the operator's own key, which opens nothing else. */
  readonly scope: Scope | "operator";
  /** It is about more than the session that it names, so a key that is bound to that session does not open it. */
  readonly accountWide?: true;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** The body is bytes, passed through as a stream. */
  readonly upload?: string;
  readonly answers: Readonly<Record<number, Answer>>;
  /** Takes an `Idempotency-Key`: it creates or executes. */
  readonly idempotent?: true;
  /** Beyond those that every route can give, see http/openapi.ts. */
  readonly errors: readonly ErrorCode[];
}

export const route = <const R extends Route>(definition: R): R => definition;

export const OfSession = z.object({ id: SessionRef });
/** What every operation can fail with that needs the session's container. */
export const InContainer = ["session_not_found", "container_unavailable", "execution_timeout"] as const;
