// Previews: what comes to a session's host goes to the user's own server, whatever the path, and its answer goes back.
// Nothing of ours may leak into it, nothing from outside may pose as ours.
import { ERRORS } from "../contract/errors.ts";
import type { ErrorBody, Problem } from "../contract/errors.ts";
import type { Env } from "../env.ts";
import { sessionOf, SESSION_HEADERS } from "../session/rpc.ts";
import { clientAddress } from "./client-address.ts";
import { previewPage } from "./preview-page.ts";
import { takeTokens, tokenCookie } from "./preview-token.ts";
import type { Visit } from "./preview-token.ts";

export interface PreviewTarget {
  readonly sessionId: string;
  readonly port: number;
}

export async function preview(request: Request, env: Env, target: PreviewTarget, requestId: string): Promise<Response> {
  const url = new URL(request.url);
  const headers = previewHeaders(request, url, clientAddress(request, env.CLIENT_ADDRESS_HEADER));
  const visit = takeTokens(url, headers);
  if (visit.byLink && isNavigation(request)) {
    return enter({ request, env, target, requestId }, url, visit);
  }
  headers.set("x-request-id", requestId);
  headers.set(SESSION_HEADERS.port, String(target.port));
  if (visit.tokens.length > 0) {
    headers.set(SESSION_HEADERS.tokens, visit.tokens.join(","));
  }
  // Containers are reached by plain http; the client's protocol is in x-forwarded-proto.
  url.protocol = "http:";
  const response = await sessionOf(env, target.sessionId).fetch(
    new Request(url, { method: request.method, headers, body: request.body, redirect: "manual" }),
  );
  if (response.headers.get(SESSION_HEADERS.problem) !== requestId) {
    return response;
  }
  const { error } = await response.json<ErrorBody>();
  return refusal({ request, env, target, requestId }, error, retryAfter(response));
}

interface Asked {
  readonly request: Request;
  readonly env: Env;
  readonly target: PreviewTarget;
  readonly requestId: string;
}

/** Trades the token of a link for a cookie, so that it stays neither in the address bar nor in what is sent as referrer. */
async function enter(asked: Asked, url: URL, { tokens }: Visit): Promise<Response> {
  const { env, target } = asked;
  const opened = await sessionOf(env, target.sessionId).openPreview(target.port, tokens);
  if (!opened.ok) {
    return refusal(asked, opened.error, {});
  }
  const headers = new Headers({
    // Absolute: a path that begins with `//` would name another host.
    location: url.href,
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
  });
  const { token, expiresAt } = opened.value;
  if (token !== null && expiresAt !== null) {
    headers.set("set-cookie", tokenCookie(token, url, Math.max(1, Math.floor((expiresAt - Date.now()) / 1000))));
  }
  return new Response(null, { status: 302, headers });
}

/** A person who follows a link. A frame in a page of another site would not send the cookie. */
function isNavigation(request: Request): boolean {
  const { method, headers } = request;
  const framed = headers.get("sec-fetch-site") === "cross-site" && headers.get("sec-fetch-dest") !== "document";
  return method === "GET" && !headers.has("upgrade") && !framed && wantsPage(request);
}

function refusal({ request, target, requestId }: Asked, error: Problem, headers: Record<string, string>): Response {
  const body = { ...error, details: error.details ?? {}, requestId };
  const init = { status: ERRORS[error.code].status, headers };
  return wantsPage(request) ? previewPage(body, target.port, init) : Response.json({ error: body }, init);
}

function wantsPage(request: Request): boolean {
  return request.headers.get("accept")?.includes("text/html") === true;
}

function previewHeaders(request: Request, url: URL, client: string | null): Headers {
  const headers = new Headers(request.headers);
  for (const name of request.headers.keys()) {
    if (name.startsWith("x-buntime-") || name.startsWith("x-forwarded-")) {
      headers.delete(name);
    }
  }
  if (client !== null) {
    headers.set("x-forwarded-for", client);
  }
  headers.set("x-forwarded-host", url.host);
  headers.set("x-forwarded-proto", url.protocol.slice(0, -1));
  if (!headers.has("accept-encoding")) {
    // Otherwise the runtime asks for gzip on its own, and the client gets what it cannot read.
    headers.set("accept-encoding", "identity");
  }
  return headers;
}

function retryAfter(response: Response): Record<string, string> {
  const seconds = response.headers.get("retry-after");
  return seconds === null ? {} : { "retry-after": seconds };
}
