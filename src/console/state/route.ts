// The addresses of the console's pages. Pure.

export const SESSION_TABS = ["overview", "run", "terminal", "files", "preview", "processes", "snapshots"] as const;
export type SessionTab = (typeof SESSION_TABS)[number];

export const ACCOUNT_TABS = ["usage", "limits", "keys", "webhooks"] as const;
export type AccountTab = (typeof ACCOUNT_TABS)[number];

export type Route =
  | { readonly page: "sessions" }
  /** `session` is an id or a name. */
  | { readonly page: "session"; readonly session: string; readonly tab: SessionTab }
  | { readonly page: "account"; readonly tab: AccountTab }
  | { readonly page: "nowhere"; readonly path: string };

const BASE = "/console";

/** Reads a path. Pure. */
export function parseRoute(path: string): Route {
  const nowhere: Route = { page: "nowhere", path };
  const [first, second, third, ...more] = path.slice(BASE.length).split("/").filter(Boolean);
  if (!path.startsWith(BASE) || more.length > 0) return nowhere;
  if (first === undefined) return { page: "sessions" };
  if (first === "sessions" && second === undefined) return { page: "sessions" };
  if (first === "sessions" && second !== undefined) {
    const session = decode(second);
    const tab = SESSION_TABS.find((name) => name === (third ?? "overview"));
    return tab === undefined || session === null ? nowhere : { page: "session", session, tab };
  }
  if (first === "account" && third === undefined) {
    const tab = ACCOUNT_TABS.find((name) => name === (second ?? "usage"));
    return tab === undefined ? nowhere : { page: "account", tab };
  }
  return nowhere;
}

/** The path of a route. Pure: parseRoute(pathOf(route)) is the route. */
export function pathOf(route: Exclude<Route, { page: "nowhere" }>): string {
  if (route.page === "sessions") return `${BASE}/`;
  if (route.page === "account") return `${BASE}/account/${route.tab}`;
  const path = `${BASE}/sessions/${encodeURIComponent(route.session)}`;
  return route.tab === "overview" ? path : `${path}/${route.tab}`;
}

function decode(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}
