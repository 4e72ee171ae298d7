// The one table of error codes. No imports: the supervisor, which must stay small, uses it too.

/** Every code a client can see, with its HTTP status. `retryAfterSeconds` becomes the `Retry-After` header. */
export const ERRORS = {
  invalid_request: { status: 400 },
  unauthorized: { status: 401 },
  forbidden: { status: 403 },
  not_found: { status: 404 },
  session_not_found: { status: 404 },
  file_not_found: { status: 404 },
  process_not_found: { status: 404 },
  execution_not_found: { status: 404 },
  snapshot_not_found: { status: 404 },
  terminal_not_found: { status: 404 },
  event_not_found: { status: 404 },
  thread_not_found: { status: 404 },
  context_not_found: { status: 404 },
  method_not_allowed: { status: 405 },
  execution_timeout: { status: 408 },
  conflict: { status: 409 },
  precondition_failed: { status: 412 },
  payload_too_large: { status: 413 },
  range_not_satisfiable: { status: 416 },
  session_limit_exceeded: { status: 429 },
  rate_limit_exceeded: { status: 429, retryAfterSeconds: 1 },
  internal_error: { status: 500 },
  preview_unavailable: { status: 502 },
  container_unavailable: { status: 503, retryAfterSeconds: 1 },
  storage_unavailable: { status: 503, retryAfterSeconds: 2 },
  memory_limit_exceeded: { status: 507 },
  disk_full: { status: 507 },
} as const satisfies Record<string, { status: number; retryAfterSeconds?: number }>;

export type ErrorCode = keyof typeof ERRORS;

/**
 * An expected failure, as a value: it crosses Durable Object RPC and the supervisor's wire unchanged.
 * `message` names the thing and the next step; `details` is machine-readable.
 */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What a client reads: `{"error": {...}}`. `requestId` is added by the Worker. */
export interface ErrorBody {
  readonly error: Problem & { readonly requestId?: string };
}

/** The HTTP answer for a problem. Used by the Worker, the session object and the supervisor alike. */
export function problemResponse(
  problem: Problem,
  init: { requestId?: string; headers?: Headers | Record<string, string> } = {},
): Response {
  const entry: { status: number; retryAfterSeconds?: number } = ERRORS[problem.code];
  const headers = new Headers(init.headers);
  if (entry.retryAfterSeconds !== undefined && !headers.has("retry-after")) {
    headers.set("retry-after", String(entry.retryAfterSeconds));
  }
  const body: ErrorBody = {
    error: {
      code: problem.code,
      message: problem.message,
      details: problem.details ?? {},
      ...(init.requestId === undefined ? {} : { requestId: init.requestId }),
    },
  };
  return Response.json(body, { status: entry.status, headers });
}
