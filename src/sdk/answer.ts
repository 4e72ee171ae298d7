// Makes errors of answers that are none: what the platform says is wrong, what something in between says instead of it, and
// what the runtime throws.
import type { ErrorCode } from "./contract.ts";
import { BuntimeError } from "./error.ts";
import { parseRetryAfter } from "./retry.ts";

/** Of an answer that is read as a whole. The largest is a file as base64 in JSON. */
const ANSWER_CHARACTERS = 256 * 1024 * 1024;

/** What statuses mean that something before the platform may answer with. */
const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: "unauthorized",
  403: "forbidden",
  413: "payload_too_large",
  429: "rate_limit_exceeded",
};

interface Told {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** @throws BuntimeError when it is longer than any answer of the platform */
export async function readText(response: Response): Promise<string> {
  if (response.body === null || Number(response.headers.get("content-length") ?? Number.NaN) < ANSWER_CHARACTERS) {
    return response.text();
  }
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    text += decoder.decode(value, { stream: !done });
    if (done) {
      return text;
    }
    if (text.length > ANSWER_CHARACTERS) {
      await reader.cancel();
      throw new BuntimeError("The answer is too large for one of the platform.", {
        code: "invalid_response",
        status: response.status,
      });
    }
  }
}

/** Of an answer that is not a success, or that is not what it should be. */
export function errorOfAnswer(response: Response, text: string, cause?: unknown): BuntimeError {
  const { status, headers } = response;
  const common = {
    status,
    requestId: headers.get("x-request-id"),
    retryAfter: parseRetryAfter(headers.get("retry-after"), Date.now()),
    cause,
  };
  const told = response.ok ? null : problemOf(text);
  if (told !== null) {
    return new BuntimeError(told.message, { ...common, code: told.code, details: told.details });
  }
  if (response.type === "opaqueredirect" || (status >= 300 && status < 400)) {
    const to = headers.get("location");
    return new BuntimeError(
      `The platform was not reached: ${to === null ? "a redirect" : `a redirect to ${to}`} came back. Check the base URL.`,
      { ...common, code: "invalid_response" },
    );
  }
  const start = text.replaceAll(/\s+/g, " ").trim().slice(0, 200);
  return new BuntimeError(
    `The platform was not reached, or is not one: an answer ${status} came back that is not the API's` +
      `${start === "" ? "" : `, beginning with ${JSON.stringify(start)}`}. Check the base URL.`,
    { ...common, code: BY_STATUS[status] ?? "invalid_response" },
  );
}

/** The error that the platform's `{"error": {...}}` tells of; null for any other text. */
export function problemOf(text: string): Told | null {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: unknown; message?: unknown; details?: unknown } };
    if (typeof error?.code !== "string" || typeof error.message !== "string") {
      return null;
    }
    const details = typeof error.details === "object" && error.details !== null ? error.details : {};
    // SAFETY: codes are the contract's. One that this version does not know yet is told as it is.
    return { code: error.code as ErrorCode, message: error.message, details: details as Told["details"] };
  } catch {
    return null;
  }
}

/** Of what the runtime threw. `signal`: the caller's, which makes it `aborted` rather than broken. */
export function errorOfCause(cause: unknown, signal: AbortSignal | undefined): BuntimeError {
  if (cause instanceof BuntimeError) {
    return cause;
  }
  if (signal?.aborted === true) {
    return new BuntimeError("The call was aborted.", { code: "aborted", cause: signal.reason });
  }
  const inner = cause instanceof Error && cause.cause instanceof Error ? `: ${cause.cause.message}` : "";
  const reason = cause instanceof Error ? `${cause.message}${inner}` : String(cause);
  return new BuntimeError(`The connection to the platform failed: ${reason}.`, { code: "network_error", cause });
}
