// Paths of the API, and which session a call is about.

/** What names a session: its id or its name. */
export interface OfSession {
  readonly sessionId: string;
}

/** In place of it where the session is the handle's own. */
export interface OfHandle {
  readonly sessionId?: never;
}

/** Whose session: named in each input, or known already. */
export type Whose = OfSession | OfHandle;

/** An input with nothing of its own may be left out where the session is known already. */
export type Optional<S extends Whose, I, O> = S extends OfSession
  ? [input: S & I, options?: O]
  : [input?: S & I, options?: O];

/** `own`: the handle's. */
export function pathOf(own: string | null, input: { readonly sessionId?: string | undefined } | undefined): string {
  return `/sessions/${encodeURIComponent(own ?? input?.sessionId ?? "")}`;
}

/**
 * A workspace path as the end of a URL. A segment of dots, or none, would be resolved away on the way: such a path is sent
 * as one segment, for the platform to judge.
 */
export function encodeFilePath(path: string): string {
  if (!path.split("/").some((segment) => /^\.{0,2}$/.test(segment))) {
    return path.split("/").map(encodeURIComponent).join("/");
  }
  return encodeURIComponent(path === "." || path === ".." ? `./${path}` : path);
}
