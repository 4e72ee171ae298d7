// Errors as ERA's documents have them: `error` and `message` are texts, `code` is ours. Statuses are the API's own, of which
// the documented ones are a part.
import { problemResponse } from "../contract/errors.ts";
import type { ErrorBody, Problem } from "../contract/errors.ts";

/** Headers of the API's answer that stay. */
const KEPT = /^(retry-after|allow|www-authenticate|x-ratelimit-.*)$/;

export async function asEraError(response: Response, more: Readonly<Record<string, unknown>> = {}): Promise<Response> {
  const { error } = await response.json<ErrorBody>();
  const headers = new Headers([...response.headers].filter(([name]) => KEPT.test(name)));
  const { message, code, details = {} } = error;
  return Response.json({ error: message, message, code, details, ...more }, { status: response.status, headers });
}

export function eraError(problem: Problem, more: Readonly<Record<string, unknown>> = {}): Promise<Response> {
  return asEraError(problemResponse(problem), more);
}
