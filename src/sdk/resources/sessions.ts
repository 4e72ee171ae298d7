// Sessions: create, find, change, put to sleep, wake, delete, fork.
import { pathOf } from "../address.ts";
import type { OfSession } from "../address.ts";
import type {
  CreateSession,
  ForkRequest,
  PreviewRequestPage,
  Session,
  SessionDeleted,
  SessionInfo,
  SessionList,
  SessionState,
  UpdateSession,
} from "../contract.ts";
import { newKey } from "../key.ts";
import type { SessionHandle } from "../session-handle.ts";
import type { RequestOptions, Transport } from "../transport.ts";

export interface ListSessions {
  /** 1 to 100. Default: 50. */
  readonly limit?: number | undefined;
  /** Default: 0. */
  readonly offset?: number | undefined;
  readonly state?: SessionState | undefined;
  /** Only those whose metadata has these values. */
  readonly metadata?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** Only those that have all of these tags. */
  readonly tags?: readonly string[] | undefined;
  /** Only those in whose name, description or tags each of these words occurs, in whatever case. */
  readonly q?: string | undefined;
}

export interface PreviewRequestsInput extends OfSession {
  /** `lastSeq` of the page before. Default: 0. */
  readonly after?: number | undefined;
  /** 1 to 200. Default: 200. */
  readonly limit?: number | undefined;
}

export type UpdateSessionInput = OfSession & UpdateSession;
export type ForkSessionInput = OfSession & ForkRequest;

export class Sessions {
  readonly #transport: Transport;
  readonly #handle: (session: Session) => SessionHandle;

  constructor(transport: Transport, handle: (session: Session) => SessionHandle) {
    this.#transport = transport;
    this.#handle = handle;
  }

  /**
   * Its container starts in the background; with `container: "on-demand"`, with the first call that needs it. `await using`
   * deletes it at the end of the block.
   */
  async create(input: CreateSession = {}, options?: RequestOptions): Promise<SessionHandle> {
    return this.#handle(
      await this.#transport.json<Session>({ method: "POST", path: "/sessions", json: input, key: newKey(), options }),
    );
  }

  /** A handle for a session that is there, found by its id or name. Never wakes it. */
  async get(input: OfSession, options?: RequestOptions): Promise<SessionHandle> {
    return this.#handle(await this.info(input, options));
  }

  /** How it is doing. Never wakes it. */
  info(input: OfSession, options?: RequestOptions): Promise<SessionInfo> {
    return this.#transport.json({ method: "GET", path: pathOf(null, input), options });
  }

  /** Newest first. */
  list(input: ListSessions = {}, options?: RequestOptions): Promise<SessionList> {
    const { metadata = {}, tags = [], limit, offset, state, q } = input;
    const wanted = Object.entries(metadata).map(([name, value]) => [`metadata.${name}`, value] as const);
    const tag = tags.length === 0 ? undefined : tags.join(",");
    const query = { limit, offset, state, tag, q, ...Object.fromEntries(wanted) };
    return this.#transport.json({ method: "GET", path: "/sessions", query, options });
  }

  /** What is absent stays as it is. */
  update({ sessionId, ...changes }: UpdateSessionInput, options?: RequestOptions): Promise<Session> {
    return this.#transport.json({ method: "PATCH", path: pathOf(null, { sessionId }), json: changes, options });
  }

  /** Into deep sleep, now. Resolves when its files are saved and its container is released. */
  sleep(input: OfSession, options?: RequestOptions): Promise<Session> {
    return this.#transport.json({ method: "POST", path: `${pathOf(null, input)}/sleep`, repeatable: true, options });
  }

  /** Resolves when its container is up, its files are restored and its services were started. */
  wake(input: OfSession, options?: RequestOptions): Promise<Session> {
    return this.#transport.json({ method: "POST", path: `${pathOf(null, input)}/wake`, repeatable: true, options });
  }

  /** The last requests that its previews were asked, newest last. Never wakes it. */
  previewRequests(
    { sessionId, after, limit }: PreviewRequestsInput,
    options?: RequestOptions,
  ): Promise<PreviewRequestPage> {
    const path = `${pathOf(null, { sessionId })}/preview-requests`;
    return this.#transport.json({ method: "GET", path, query: { after, limit }, options });
  }

  /** Deletes it with everything that it holds. */
  delete(input: OfSession, options?: RequestOptions): Promise<SessionDeleted> {
    const gone: SessionDeleted = { deleted: true, sessionId: input.sessionId };
    return this.#transport.json({ method: "DELETE", path: pathOf(null, input), gone, options });
  }

  /** A new session that begins with the files of this one, or of one of its snapshots. */
  async fork({ sessionId, ...input }: ForkSessionInput, options?: RequestOptions): Promise<SessionHandle> {
    const path = `${pathOf(null, { sessionId })}/fork`;
    return this.#handle(
      await this.#transport.json<Session>({ method: "POST", path, json: input, key: newKey(), options }),
    );
  }
}
