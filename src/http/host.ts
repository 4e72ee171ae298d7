// Which door a request comes in by, from its host and path alone. Pure. A preview host belongs to the user's own
// server: no path of it may reach the API, and no host that merely resembles one may reach anything.
import type { Problem } from "../contract/errors.ts";
import { CONTROL_PORT, PREVIEW_PORT } from "../contract/ids.ts";

export type Door =
  /** `path` without the `/api` prefix. */
  | { readonly kind: "api"; readonly path: string }
  /** `path` without the `/agentbase` prefix. */
  | { readonly kind: "agentbase"; readonly path: string }
  /** `path` without the `/era` prefix. */
  | { readonly kind: "era"; readonly path: string }
  | { readonly kind: "preview"; readonly sessionId: string; readonly port: number }
  | { readonly kind: "main"; readonly path: string }
  | { readonly kind: "refused"; readonly problem: Problem };

const PREVIEW_LABEL = /^ses[-_]([0-9a-z]{20})(?:-([0-9]{1,5}))?$/;
const RESEMBLES_PREVIEW = /^ses[-_]/;

/** The door for a `host` (a port and one trailing dot are ignored) and an absolute `path`; `domain` is `DOMAIN`. */
export function doorOf(host: string, path: string, domain: string): Door {
  const name = hostName(host);
  const base = hostName(domain);
  if (name === base) {
    return byPath(path);
  }
  if (name.endsWith(`.${base}`)) {
    return byLabel(name.slice(0, -base.length - 1), path);
  }
  return RESEMBLES_PREVIEW.test(name)
    ? refused(`No session is served at ${name}. Previews live under ${base}.`)
    : byPath(path);
}

function byPath(path: string): Door {
  if (path === "/api" || path.startsWith("/api/")) {
    return { kind: "api", path: path.slice("/api".length) || "/" };
  }
  if (path === "/agentbase" || path.startsWith("/agentbase/")) {
    return { kind: "agentbase", path: path.slice("/agentbase".length) || "/" };
  }
  if (path === "/era" || path.startsWith("/era/")) {
    return { kind: "era", path: path.slice("/era".length) || "/" };
  }
  return { kind: "main", path };
}

function byLabel(label: string, path: string): Door {
  if (label === "api") {
    // Clients that are given the API's address look for it there.
    return path === "/mcp" ? { kind: "main", path } : { kind: "api", path };
  }
  const match = PREVIEW_LABEL.exec(label);
  if (match === null) {
    return refused(`Nothing is served at ${label}. A preview is at ses-<id> or ses-<id>-<port>, the API at api.`);
  }
  const port = match[2] === undefined ? PREVIEW_PORT : Number(match[2]);
  if (port < 1 || port > 65_535 || port === CONTROL_PORT) {
    return refused(`Port ${port} has no preview. Use 1 to 65535, without ${CONTROL_PORT}.`);
  }
  return { kind: "preview", sessionId: `ses_${match[1]}`, port };
}

/** Of a `Host` header or an origin: lower case, without port and trailing dot. */
export function hostName(host: string): string {
  return host
    .toLowerCase()
    .replace(/:[0-9]*$/, "")
    .replace(/\.$/, "");
}

function refused(message: string): Door {
  return { kind: "refused", problem: { code: "not_found", message } };
}
