// The API reference of the main host. Its files are the Worker's own assets: its page may load nothing from anywhere else,
// and speaks to no other host than this one.
import type { Env } from "../env.ts";

const PAGE = "/docs/index.html";
/** The version of what is served is in the name of its directory. */
const OF_A_VERSION = /^\/docs\/[a-z]+-\d[\w.-]*\//;

const HEADERS = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    // Its components bring their styles with them.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
} as const;

export function isDocs(path: string): boolean {
  return path === "/docs" || path.startsWith("/docs/");
}

/** For a `path` below `/docs`. Null: there is no such file. */
export async function docs(request: Request, env: Env, path: string): Promise<Response | null> {
  const file = path === "/docs" || path === "/docs/" ? PAGE : path;
  const { method, headers } = request;
  const asset = await env.ASSETS.fetch(new Request(new URL(file, "https://assets"), { method, headers }));
  if (asset.status === 404) {
    return null;
  }
  const response = new Response(asset.body, asset);
  for (const [name, value] of Object.entries(HEADERS)) {
    response.headers.set(name, value);
  }
  if (OF_A_VERSION.test(file)) {
    response.headers.set("cache-control", "public, max-age=31536000, immutable");
  }
  return response;
}
