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
  if (json === null || answer.timedOut) {
    const failed = answer.timedOut ? TIMED_OUT : answer.exitCode === 0 ? 200 : 500;
    const text = failed === 200 ? answer.stdout : answer.stdout + answer.stderr + tracebackOf(answer);
    return sealed(new Response(text, { status: failed, headers: { "content-type": "text/plain; charset=utf-8" } }));
  }
  const { status: wanted, headers: given, contentType }: Record<string, unknown> = { ...Object(json) };
  const status = statusIn(wanted);
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

/** Documented examples have words such as `success` there, too. */
function statusIn(status: unknown): number {
  return typeof status === "number" && Number.isInteger(status) && status >= 200 && status <= 599 ? status : 200;
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
