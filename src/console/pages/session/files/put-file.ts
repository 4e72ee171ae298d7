// Writes a file's bytes by XMLHttpRequest: fetch cannot tell how much of a body has been sent.
import { BuntimeError } from "../../../../sdk/index.ts";
import type { BuntimeErrorCode } from "../../../../sdk/index.ts";
import { encodeFilePath } from "../../../../sdk/address.ts";
import { authorization } from "../../../state/access.ts";

export interface PutFile {
  readonly sessionId: string;
  readonly path: string;
  readonly body: Blob | string;
  /** `match`: only over this version; `absent`: only where nothing is; `any`: over whatever is there. */
  readonly over: { readonly match: string } | "absent" | "any";
  readonly signal?: AbortSignal;
  readonly onProgress?: (sent: number) => void;
}

/**
 * The entity tag of what is there now.
 * @throws BuntimeError `precondition_failed` when something else is there, `aborted`, `network_error`, and what the API says
 */
export function putFile({ sessionId, path, body, over, signal, onProgress }: PutFile): Promise<string | null> {
  const { promise, resolve, reject } = Promise.withResolvers<string | null>();
  const request = new XMLHttpRequest();
  const abort = (): void => request.abort();
  request.open("PUT", `/api/sessions/${encodeURIComponent(sessionId)}/files/${encodeFilePath(path)}`);
  request.setRequestHeader("authorization", authorization());
  request.setRequestHeader("content-type", "application/octet-stream");
  if (over === "absent") request.setRequestHeader("if-none-match", "*");
  else if (over !== "any") request.setRequestHeader("if-match", strong(over.match));
  if (onProgress !== undefined) request.upload.addEventListener("progress", ({ loaded }) => onProgress(loaded));
  request.addEventListener("load", () => {
    if (request.status >= 200 && request.status < 300) resolve(request.getResponseHeader("etag"));
    else reject(errorOf(request));
  });
  request.addEventListener("error", () =>
    reject(new BuntimeError("The connection to the platform was lost.", { code: "network_error" })),
  );
  request.addEventListener("abort", () => reject(new BuntimeError("It was cancelled.", { code: "aborted" })));
  request.addEventListener("loadend", () => signal?.removeEventListener("abort", abort));
  signal?.addEventListener("abort", abort);
  request.send(body);
  if (signal?.aborted === true) request.abort();
  return promise;
}

/** What stands between may have compressed an answer, and then marks its tag as weak: it still names the version. */
function strong(etag: string): string {
  return etag.replace(/^W\//, "");
}

function errorOf(request: XMLHttpRequest): BuntimeError {
  const { status } = request;
  const retryAfter = Number(request.getResponseHeader("retry-after") ?? Number.NaN);
  const rest = {
    status,
    requestId: request.getResponseHeader("x-request-id"),
    retryAfter: Number.isNaN(retryAfter) ? null : retryAfter,
  };
  try {
    // SAFETY: looked at right below; what is no error of the API has neither.
    const { error } = JSON.parse(request.responseText) as { error: { code: BuntimeErrorCode; message: string } };
    return new BuntimeError(error.message, { code: error.code, ...rest });
  } catch {
    return new BuntimeError(`The platform answered with ${status}.`, { code: "invalid_response", ...rest });
  }
}
