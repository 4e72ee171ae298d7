// The operations of the API as requests: from the route table, so that a route which is added is attacked as well.
import type { Route } from "../../src/contract/route.ts";
import { ROUTES } from "../../src/contract/routes.ts";

export interface Operation {
  readonly name: string;
  readonly route: Route;
}

export const OPERATIONS: readonly Operation[] = Object.entries(ROUTES).map(([name, route]) => ({ name, route }));

/** Where an operation names the session that it is about; null when it is about none. */
export function sessionPlace({ route }: Operation): "path" | "query" | "body" | null {
  // About the account, with a session as one of their details.
  if (route.scope === "operator" || route.scope === "admin") return null;
  if (/\{id\}/.test(route.path) && route.path.startsWith("/sessions/")) return "path";
  if (route.query !== undefined && "sessionId" in route.query.shape) return "query";
  const body: unknown = route.body;
  return typeof body === "object" && body !== null && "shape" in body && hasKey(body.shape, "sessionId")
    ? "body"
    : null;
}

function hasKey(value: unknown, key: string): boolean {
  return typeof value === "object" && value !== null && key in value;
}

/** The path of a route with its parameters filled in, each as one segment but for `path`. */
export function pathOf(route: Route, params: Readonly<Record<string, string>>): string {
  return route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = params[name];
    if (value === undefined) throw new Error(`${route.path} wants ${name}`);
    return name === "path" ? value.split("/").map(encodeURIComponent).join("/") : encodeURIComponent(value);
  });
}

export function queryOf(query: Readonly<Record<string, string>>): string {
  const text = new URLSearchParams(query).toString();
  return text === "" ? "" : `?${text}`;
}
