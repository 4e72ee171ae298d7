// What `cp` copies from and to. Pure.
import { SESSION_ID, SESSION_NAME } from "../contract/ids.ts";

export type Place =
  | { readonly kind: "stdio" }
  | { readonly kind: "local"; readonly path: string }
  | { readonly kind: "remote"; readonly sessionId: string; readonly path: string };

/** `session:path` is in a session, `-` stdin or stdout, anything else on this machine. `./a:b` is a local file. */
export function parsePlace(text: string): Place {
  if (text === "-") return { kind: "stdio" };
  const colon = text.indexOf(":");
  const sessionId = text.slice(0, Math.max(0, colon));
  // A drive of Windows.
  const drive = sessionId.length === 1 && /^[\\/]/.test(text.slice(2));
  if ((SESSION_ID.test(sessionId) || SESSION_NAME.test(sessionId)) && !drive) {
    return { kind: "remote", sessionId, path: text.slice(colon + 1) };
  }
  return { kind: "local", path: text };
}

/** How the workspace calls it: without `/workspace`, without empty segments. Never climbs out; the platform judges the rest. */
export function workspacePath(path: string): string {
  const segments = path.split("/").filter((segment) => segment !== "" && segment !== ".");
  if (path.startsWith("/") && segments[0] === "workspace") segments.shift();
  else if (path.startsWith("/")) return path;
  return segments.join("/");
}

/** The last name in a path; "" where it ends in none, as in `a/..`. */
export function lastName(path: string): string {
  const name = path.split("/").findLast((segment) => segment !== "") ?? "";
  return name === "." || name === ".." ? "" : name;
}

export const joined = (folder: string, name: string): string =>
  folder === "" || name === "" ? folder + name : `${folder.replace(/\/+$/, "")}/${name}`;
