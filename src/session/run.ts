// One start of a session's container, as the rest of the session uses it.

/** A start of the container that answers. */
export interface Run {
  readonly id: string;
  readonly token: string;
  /** Aborted, with the reason, when the container is lost. */
  readonly lost: AbortSignal;
}

export interface SupervisorRequest {
  readonly method: string;
  /** With query; `/health`. */
  readonly path: string;
  readonly headers?: HeadersInit;
  readonly body?: BodyInit | null;
  /** Ends the request. */
  readonly signal?: AbortSignal;
  /** Until the answer is read. Absent: as long as the container lives. */
  readonly timeoutMs?: number;
}

/** What a session does about its container, beside using it. */
export interface RuntimeHooks {
  /**
   * Called when a container is about to start. What it returns fills the container's workspace before anybody may use it;
   * where that rejects, the start has failed.
   */
  prepare(): (run: Run) => Promise<void>;
  /** Called each time that a container was found to be healthy, before it is used. `launched`: it is a new one. */
  settle(run: Run, options: { readonly launched: boolean }): Promise<void>;
  /** A container that was in use has ended unasked. */
  lost(runId: string, reason: string): void;
}

/** Thrown by `send` when the answer did not come in time. */
export class TimedOut extends Error {}
