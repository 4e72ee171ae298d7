// Errors as Agentbase's clients read them: `code` and `message` at the top, the code in capitals.
import type { ErrorBody } from "../contract/errors.ts";

/** Any answer of the API or its doors; only what went wrong is told in other words. */
export async function inItsWords(response: Response, requestId: string): Promise<Response> {
  if (response.status < 400) {
    return response;
  }
  const { error } = await response.json<ErrorBody>();
  const headers = new Headers(response.headers);
  headers.delete("content-length");
  const { code, message, details = {} } = error;
  return Response.json({ code: code.toUpperCase(), message, details, requestId }, { status: response.status, headers });
}
