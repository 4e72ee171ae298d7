// Which answers are kept for a call that is sent again. Pure. A refusal because of the request itself, or because nothing
// could start, leaves the key free; an outcome, good or bad, is told again; where it is not certain, the next call looks.
import type { ErrorBody } from "../contract/errors.ts";

export type Worth =
  | "keep"
  /** Nothing has happened. */
  | "forget"
  /** Something may have happened: the key stays bound to this call. */
  | "undecided";

/** `again`: an earlier call may have done something that this answer knows nothing of. */
export function worthOf({ status, body }: { status: number; body: Uint8Array }, again: boolean): Worth {
  if (status < 500 && status !== 400 && status !== 429) {
    return "keep";
  }
  if (status >= 500) {
    const { code, details } = problemOf(body);
    const killed = (code === "memory_limit_exceeded" || code === "disk_full") && "executionId" in details;
    if (killed || details["outcome"] === "unknown") {
      return "keep";
    }
    if ((code !== "container_unavailable" && code !== "disk_full") || details["broken"] === true) {
      return "undecided";
    }
  }
  return again ? "undecided" : "forget";
}

function problemOf(body: Uint8Array): { code: string; details: Readonly<Record<string, unknown>> } {
  try {
    // SAFETY: every answer from 400 on is a problem of ours.
    const { error } = JSON.parse(new TextDecoder().decode(body)) as ErrorBody;
    return { code: error.code, details: error.details ?? {} };
  } catch {
    return { code: "internal_error", details: {} };
  }
}
