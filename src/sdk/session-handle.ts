// A session as an object: what is known of it, and everything that can be done with it.
import type { OfHandle } from "./address.ts";
import type {
  ForkRequest,
  ProcessList,
  ServiceInput,
  Session,
  SessionDeleted,
  SessionInfo,
  UpdateSession,
} from "./contract.ts";
import { BuntimeError } from "./error.ts";
import { executeOn } from "./resources/execute.ts";
import type { Execute, ExecuteInput, StreamInput } from "./resources/execute.ts";
import { Executions } from "./resources/execution.ts";
import { Files } from "./resources/files.ts";
import { Previews } from "./resources/previews.ts";
import { Snapshots } from "./resources/snapshots.ts";
import type { OpenTerminalInput, Terminals } from "./resources/terminals.ts";
import type { Sessions } from "./resources/sessions.ts";
import type { Terminal } from "./terminal.ts";
import type { RequestOptions, Transport } from "./transport.ts";

/** The session's data as properties, typed as the API has them. */
// oxlint-disable-next-line typescript/no-extraneous-class -- its instances have the properties of what they are given
const SessionData = class {
  constructor(session: Session) {
    Object.assign(this, session);
  }
  // SAFETY: it has what it was given.
} as new (session: Session) => Session;

export interface HandleParts {
  readonly transport: Transport;
  readonly sessions: Sessions;
  readonly terminals: Terminals;
}

/** Properties are as they were when it was made, or last changed by `update`; `info()` asks how it is doing now. */
export class SessionHandle extends SessionData implements AsyncDisposable {
  readonly #parts: HandleParts;
  readonly #execute: Execute<ExecuteInput & OfHandle, StreamInput & OfHandle>;
  readonly #executions: Executions<OfHandle>;
  readonly #files: Files<OfHandle>;
  readonly #snapshots: Snapshots<OfHandle>;
  readonly #previews: Previews<OfHandle>;

  constructor(session: Session, parts: HandleParts) {
    super(session);
    const { transport } = parts;
    this.#parts = parts;
    this.#execute = executeOn(transport, session.id);
    this.#executions = new Executions(transport, session.id);
    this.#files = new Files(transport, session.id);
    this.#snapshots = new Snapshots(transport, session.id);
    this.#previews = new Previews(transport, session.id);
  }

  /** As `client.execute`, here. */
  get execute(): Execute<ExecuteInput & OfHandle, StreamInput & OfHandle> {
    return this.#execute;
  }

  get execution(): Executions<OfHandle> {
    return this.#executions;
  }

  get files(): Files<OfHandle> {
    return this.#files;
  }

  get snapshots(): Snapshots<OfHandle> {
    return this.#snapshots;
  }

  get previews(): Previews<OfHandle> {
    return this.#previews;
  }

  /** Running processes and services. */
  processes(options?: RequestOptions): Promise<ProcessList> {
    return this.#parts.transport.json({ method: "GET", path: `/sessions/${this.id}/processes`, options });
  }

  /** Services in place of those before. */
  setServices(services: ServiceInput[], options?: RequestOptions): Promise<this> {
    return this.update({ services }, options);
  }

  terminal(input: Omit<OpenTerminalInput, "sessionId"> = {}, options?: RequestOptions): Promise<Terminal> {
    return this.#parts.terminals.open({ ...input, sessionId: this.id }, options);
  }

  /** How it is doing. Never wakes it. */
  info(options?: RequestOptions): Promise<SessionInfo> {
    return this.#parts.sessions.info({ sessionId: this.id }, options);
  }

  /** Changes it, and this handle's properties. */
  async update(changes: UpdateSession, options?: RequestOptions): Promise<this> {
    return Object.assign(this, await this.#parts.sessions.update({ ...changes, sessionId: this.id }, options));
  }

  /** Deletes it with everything that it holds. */
  delete(options?: RequestOptions): Promise<SessionDeleted> {
    return this.#parts.sessions.delete({ sessionId: this.id }, options);
  }

  /** A new session that begins with the files of this one, or of one of its snapshots. */
  fork(input: ForkRequest = {}, options?: RequestOptions): Promise<SessionHandle> {
    return this.#parts.sessions.fork({ ...input, sessionId: this.id }, options);
  }

  /** Where a server that listens on `port` is reached. `previewUrl` is that of 8080. */
  previewUrlFor(port: number): string {
    const url = new URL(this.previewUrl);
    if (port !== DEFAULT_PORT) {
      url.hostname = url.hostname.replace(/^[^.]+/, `$&-${port}`);
    }
    return url.href;
  }

  /** For `await using`. One that is gone already is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.delete();
    } catch (error) {
      if (!(error instanceof BuntimeError && error.code === "session_not_found")) {
        throw error;
      }
    }
  }
}

const DEFAULT_PORT = 8080;
