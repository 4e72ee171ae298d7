// The console of the main host: a page and its files, which are the Worker's own assets. Its page loads and speaks to
// nothing but this host, and shows previews in frames; nothing may frame it.
import type { Env } from "../env.ts";
import { publicOrigin } from "../env.ts";
import { consoleFile, consolePolicy } from "./console.ts";

const HEADERS = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
} as const;

/** For a `path` that `isConsole`. Null: there is no such file. */
export async function consoleDoor(request: Request, env: Env, url: URL): Promise<Response | null> {
  if (url.pathname === "/console") {
    return new Response(null, { status: 308, headers: { location: `/console/${url.search}`, ...HEADERS } });
  }
  const { file, cacheControl } = consoleFile(url.pathname);
  const { method, headers } = request;
  const asset = await env.ASSETS.fetch(new Request(new URL(file, "https://assets"), { method, headers }));
  if (asset.status === 404) {
    return null;
  }
  const response = new Response(asset.body, asset);
  const policy = { "content-security-policy": consolePolicy(url, publicOrigin("*", env.DOMAIN)) };
  for (const [name, value] of Object.entries({ ...HEADERS, ...policy, "cache-control": cacheControl })) {
    response.headers.set(name, value);
  }
  return response;
}
