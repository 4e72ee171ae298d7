// Previews: what comes to a session's host goes to the user's own server, whatever the path, and its answer goes back.
// Nothing of ours may leak into it, nothing from outside may pose as ours.
import { ERRORS } from "../contract/errors.ts";
import type { ErrorBody } from "../contract/errors.ts";
import type { Env } from "../env.ts";
import { sessionOf, SESSION_HEADERS } from "../session/rpc.ts";
import { previewPage } from "./preview-page.ts";

export interface PreviewTarget {
  readonly sessionId: string;
  readonly port: number;
}

export async function preview(request: Request, env: Env, target: PreviewTarget, requestId: string): Promise<Response> {
  const url = new URL(request.url);
  const headers = previewHeaders(request, url);
  headers.set("x-request-id", requestId);
  headers.set(SESSION_HEADERS.port, String(target.port));
  // Containers are reached by plain http; the client's protocol is in x-forwarded-proto.
  url.protocol = "http:";
  const response = await sessionOf(env, target.sessionId).fetch(
    new Request(url, { method: request.method, headers, body: request.body, redirect: "manual" }),
  );
  if (response.headers.get(SESSION_HEADERS.problem) !== requestId) {
    return response;
  }
  const { error } = await response.json<ErrorBody>();
  const body: ErrorBody = { error: { ...error, requestId } };
  const init = { status: ERRORS[error.code].status, headers: retryAfter(response) };
  return request.headers.get("accept")?.includes("text/html")
    ? previewPage(body.error, target.port, init)
    : Response.json(body, init);
}

function previewHeaders(request: Request, url: URL): Headers {
  const headers = new Headers(request.headers);
  for (const name of request.headers.keys()) {
    if (name.startsWith("x-buntime-") || name.startsWith("x-forwarded-")) {
      headers.delete(name);
    }
  }
  const client = request.headers.get("cf-connecting-ip");
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
