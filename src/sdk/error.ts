// The one error that the SDK throws for whatever goes wrong on the way to an answer.
import type { ErrorCode } from "./contract.ts";

export type BuntimeErrorCode =
  | ErrorCode
  /** No answer came, or it broke off. */
  | "network_error"
  /** No answer came in time. */
  | "timeout"
  /** The caller's signal said so. `cause` is its reason. */
  | "aborted"
  /** What answered does not speak the API: a proxy's page, say. */
  | "invalid_response";

export interface BuntimeErrorOptions {
  readonly code: BuntimeErrorCode;
  /** Of the answer; 0 without one. Default: 0. */
  readonly status?: number;
  /** Machine-readable, by code. Default: {}. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Names the call in the platform's logs. Default: null. */
  readonly requestId?: string | null;
  /** Seconds. Default: null. */
  readonly retryAfter?: number | null;
  readonly cause?: unknown;
}

export class BuntimeError extends Error {
  override readonly name = "BuntimeError";
  /** What went wrong. Decide by this, never by the message. */
  readonly code: BuntimeErrorCode;
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  readonly details: Readonly<Record<string, unknown>>;
  /** Quote it when you ask about the call. */
  readonly requestId: string | null;
  /** Seconds after which the call may succeed; null: not said. */
  readonly retryAfter: number | null;

  constructor(message: string, options: BuntimeErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.status = options.status ?? 0;
    this.details = options.details ?? {};
    this.requestId = options.requestId ?? null;
    this.retryAfter = options.retryAfter ?? null;
  }
}
