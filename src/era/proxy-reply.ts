// What stored code has printed, as an HTTP answer: JSON says what its status, type and headers are. Pure. The answer comes from
// the host of the API and its console, so it may not act as a page of it.
import type { Answer } from "./outcome.ts";
import { tracebackOf } from "./outcome.ts";

/** Those that cannot do anything to this host. */
const ALLOWED =
  /^(access-control-|x-(?!ratelimit-|request-id$|frame-|content-type-))|^(cache-control|content-disposition|content-language|etag|last-modified|link|location|retry-after|vary)$/;
const WITHOUT_BODY = new Set([204, 205, 304]);
const TIMED_OUT = 408;

export function repliedBy(answer: Answer): Response {
  const json = jsonIn(answer.stdout);
  const ended = answer.timedOut ? TIMED_OUT : answer.exitCode === 0 || answer.background ? 200 : 500;
  if (json === null || answer.timedOut) {
    const text = ended === 200 ? answer.stdout : answer.stdout + answer.stderr + tracebackOf(answer);
    return sealed(new Response(text, { status: ended, headers: { "content-type": "text/plain; charset=utf-8" } }));
  }
  const { status: wanted, headers: given, contentType }: Record<string, unknown> = { ...Object(json) };
  const status = statusIn(wanted) ?? ended;
  const headers = headersIn(given);
  headers.set("content-type", typeIn(contentType));
  return sealed(new Response(WITHOUT_BODY.has(status) ? null : JSON.stringify(json), { status, headers }));
}

/** A browser that shows it gives it no origin. */
function sealed(response: Response): Response {
  response.headers.set("content-security-policy", "sandbox");
  response.headers.set("x-content-type-options", "nosniff");
  return response;
}

/** Null where it is no JSON. */
function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Null for what is no status: documented examples have words such as `success` there, too. */
function statusIn(status: unknown): number | null {
  return typeof status === "number" && Number.isInteger(status) && status >= 200 && status <= 599 ? status : null;
}

function typeIn(type: unknown): string {
  return typeof type === "string" && isHeaderValue(type) ? type : "application/json";
}

function headersIn(given: unknown): Headers {
  const headers = new Headers();
  for (const [name, value] of typeof given === "object" && given !== null ? Object.entries(given) : []) {
    const text = String(value);
    if (ALLOWED.test(name.toLowerCase()) && /^[\w-]+$/.test(name) && isHeaderValue(text)) {
      headers.set(name, text);
    }
  }
  return headers;
}

function isHeaderValue(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}
