// What the kernel says → what a client is told.
import { explainErrno } from "../../../src/lib/files/errno.ts";

export function errnoOf(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
}

/** The problem behind a failed system call, or the error itself when it is a bug. */
export function explain(error: unknown, relative: string): unknown {
  return explainErrno(errnoOf(error) ?? "", relative) ?? error;
}
