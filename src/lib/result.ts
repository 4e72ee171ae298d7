// Expected failures are values: a throw across Durable Object RPC loses its class and is logged as a crash.
import type { ErrorCode, Problem } from "../contract/errors.ts";

export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Problem };

export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function fail(
  code: ErrorCode,
  message: string,
  details?: Readonly<Record<string, unknown>>,
): { readonly ok: false; readonly error: Problem } {
  return { ok: false, error: details === undefined ? { code, message } : { code, message, details } };
}
