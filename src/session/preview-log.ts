// The last requests that a session's previews were asked, for its owner to look at. In memory alone: nothing is written
// and nothing is waited for on their way, and what an object that is gone has noted is gone with it.
import { PREVIEW_REQUESTS } from "../contract/limits.ts";
import type { PreviewRequest, PreviewRequestPage } from "../contract/preview.ts";
import { ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { SESSION_HEADERS } from "./rpc.ts";
import type { PageAfter } from "./rpc.ts";

/** May be a secret, and says nothing about what was asked for. */
const SECRET = "token";

export class PreviewLog {
  readonly #lifecycle: Lifecycle;
  readonly #requests: PreviewRequest[] = [];
  /** From the time on, so that numbers grow from one instance of the object to the next. */
  #lastSeq = Date.now();

  constructor(lifecycle: Lifecycle) {
    this.#lifecycle = lifecycle;
  }

  /** Notes how a request to a preview is answered; any other one just goes on. */
  async watch(request: Request, answer: () => Promise<Response>): Promise<Response> {
    const port = request.headers.get(SESSION_HEADERS.port);
    if (port === null) {
      return answer();
    }
    const at = Date.now();
    const response = await answer();
    this.#requests.push({
      seq: ++this.#lastSeq,
      at: new Date(at).toISOString(),
      port: Number(port),
      method: request.method.slice(0, PREVIEW_REQUESTS.methodCharacters),
      path: shownPath(request.url),
      status: response.status,
      durationMs: Date.now() - at,
      bytes: lengthOf(response),
      webSocket: response.status === 101,
    });
    if (this.#requests.length > PREVIEW_REQUESTS.kept) {
      this.#requests.shift();
    }
    return response;
  }

  /** Oldest first, those after `after`. */
  async list(accountId: string, { after, limit }: PageAfter): Promise<Result<PreviewRequestPage>> {
    const session = this.#lifecycle.find(accountId);
    const requests = this.#requests.filter(({ seq }) => seq > after).slice(0, limit);
    return session.ok ? ok({ requests, lastSeq: requests.at(-1)?.seq ?? after }) : session;
  }
}

function lengthOf({ headers }: Response): number | null {
  const length = headers.get("content-length");
  return length !== null && /^\d{1,15}$/.test(length) ? Number(length) : null;
}

/** Path and query, without what opens the preview. */
function shownPath(address: string): string {
  const url = new URL(address);
  if (url.searchParams.has(SECRET)) {
    url.searchParams.delete(SECRET);
  }
  return (url.pathname + url.search).slice(0, PREVIEW_REQUESTS.pathCharacters);
}
