// A session's container: started once however many ask, watched, reached, destroyed. The only file that names
// ctx.container. A run is one start of it; its token is stored before the start, so that a later instance of the
// object can go on talking to it. Work that began on one run must never be taken for another's.
import { CONTROL_PORT } from "../contract/ids.ts";
import { CONTAINER_READY_MS } from "../contract/limits.ts";
import type { ResourceLimits } from "../contract/session.ts";
import type { SupervisorEnvironment } from "../contract/supervisor.ts";
import type { Env } from "../env.ts";
import { describe, logError } from "../lib/log.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import type { SessionContainer, StartOptions } from "./container.ts";
import { EmbeddedContainer } from "./embedded-container.ts";
import { instanceFor } from "./instance.ts";
import type { SessionStore, StoredRun } from "./store.ts";

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
  /** Until the answer is read. Absent: as long as the container lives. */
  readonly timeoutMs?: number;
}

/** Thrown by `send` when the answer did not come in time. */
export class TimedOut extends Error {}

/** The most that the platform takes: https://developers.cloudflare.com/containers/ names six hours. */
const INACTIVITY_MS = 6 * 60 * 60 * 1000;
const HEALTH_POLL_MS = 25;
const HEALTH_CALL_MS = 2000;
const SIGKILL = 9;
/** A container that was killed is given this long to be noticed as ended. */
const KILLED_MS = 2000;

export class Runtime {
  readonly #container: SessionContainer | null;
  readonly #sessionId: string | undefined;
  readonly #images: Readonly<Record<string, string>>;
  readonly #store: SessionStore;
  #live: Run | null = null;
  #starting: Promise<Result<Run>> | null = null;
  /** The run that is being watched; its controller is aborted at its end. */
  #watched: { readonly id: string; readonly lost: AbortController } | null = null;
  #destroyed = false;

  /** `sessionId` is given, since an object that an alarm wakes does not know its own name. */
  constructor(ctx: DurableObjectState, env: Env, store: SessionStore, sessionId: string | undefined) {
    this.#sessionId = sessionId;
    this.#store = store;
    this.#images = ctx.container?.images ?? {};
    if (ctx.container !== undefined) {
      this.#container = ctx.container;
    } else if (env.ENGINE_URL !== undefined && sessionId !== undefined) {
      this.#container = new EmbeddedContainer({ url: env.ENGINE_URL, token: env.ENGINE_TOKEN ?? "" }, sessionId);
    } else {
      this.#container = null;
    }
  }

  /** Before the first call: finds a container that runs from before. Asks nobody where none was ever started. */
  async attach(): Promise<void> {
    if (this.#container instanceof EmbeddedContainer && this.#store.loadRun() !== null) {
      await this.#container.attach();
    }
  }

  /**
   * Keeps the platform from taking an unused container away. The time-out is counted from this call and is forgotten
   * with the object, so it is asked for at each start, by each new instance, and again before it runs out.
   */
  async keep(): Promise<void> {
    if (this.#container?.running) {
      await this.#container.setInactivityTimeout(INACTIVITY_MS);
    }
  }

  /** `starting`: begun and not yet answering. Starts none. */
  get state(): "stopped" | "starting" | "running" {
    if (this.#starting !== null) {
      return "starting";
    }
    return this.#container?.running ? "running" : "stopped";
  }

  /** The run to talk to; starts the container if there is none. A start that failed is tried anew by the next call. */
  ready(limits: ResourceLimits): Promise<Result<Run>> {
    if (this.#live !== null) {
      return Promise.resolve(ok(this.#live));
    }
    this.#starting ??= this.#start(limits).finally(() => {
      this.#starting = null;
    });
    return this.#starting;
  }

  /** A connection to the run broke: before the next call its health is asked for again. */
  suspect(run: Run): void {
    if (this.#live?.id === run.id) {
      this.#live = null;
    }
  }

  /**
   * Asks the supervisor and reads its answer. Rejects when the connection breaks or the container is lost, with `TimedOut`
   * when time is up. A `read` that returns the response itself leaves its body to the caller.
   */
  async send<T>(run: Run, request: SupervisorRequest, read: (response: Response) => T | Promise<T>): Promise<T> {
    if (this.#container === null || run.lost.aborted) {
      throw new Error("the container is gone");
    }
    const headers = new Headers(request.headers);
    headers.set("authorization", `Bearer ${run.token}`);
    const ended = new AbortController();
    const onLost = (): void => ended.abort(run.lost.reason);
    const timer =
      request.timeoutMs === undefined
        ? null
        : setTimeout(() => ended.abort(new TimedOut("the supervisor did not answer in time")), request.timeoutMs);
    run.lost.addEventListener("abort", onLost);
    try {
      const response = await this.#container.getTcpPort(CONTROL_PORT).fetch(
        new Request(`http://supervisor${request.path}`, {
          method: request.method,
          headers,
          body: request.body ?? null,
          signal: ended.signal,
        }),
      );
      return await read(response);
    } catch (error) {
      throw ended.signal.aborted ? ended.signal.reason : error;
    } finally {
      clearTimeout(timer);
      run.lost.removeEventListener("abort", onLost);
    }
  }

  /** Passes a request to what listens on a port of the container. Rejects when nothing does. */
  async fetchPort(port: number, request: Request): Promise<Response> {
    if (this.#container === null) {
      throw new Error("the container is gone");
    }
    return this.#container.getTcpPort(port).fetch(request);
  }

  /** Ends the container and all that it holds. May be called again; nothing is started afterwards. */
  async destroy(): Promise<void> {
    this.#destroyed = true;
    this.#live = null;
    await this.#container?.destroy();
  }

  async #start(limits: ResourceLimits): Promise<Result<Run>> {
    if (this.#container === null) {
      return unavailable("no container engine is configured: set ENGINE_URL, or run with containers enabled");
    }
    try {
      const run = this.#watch(this.#container, this.#adoptOrLaunch(this.#container, limits));
      await this.#healthy(run);
      if (this.#destroyed) {
        return unavailable("the session was deleted");
      }
      this.#live = run;
      // Not waited for: it takes as long as the launch, and the container is of use without it.
      this.keep().catch((error: unknown) => logError("container_keep_failed", { reason: describe(error) }));
      return ok(run);
    } catch (error) {
      const reason = describe(error);
      if (!this.#destroyed) {
        logError("container_start_failed", { sessionId: this.#sessionId, reason });
        await this.#abandon(this.#container);
      }
      return unavailable(reason);
    }
  }

  #adoptOrLaunch(container: SessionContainer, limits: ResourceLimits): StoredRun {
    const known = this.#store.loadRun();
    if (container.running && known !== null) {
      return known;
    }
    const run: StoredRun = { id: crypto.randomUUID(), token: randomToken() };
    this.#store.saveRun(run);
    container.start(startOptions(run, limits, this.#images));
    return run;
  }

  #watch(container: SessionContainer, { id, token }: StoredRun): Run {
    if (this.#watched?.id === id) {
      return { id, token, lost: this.#watched.lost.signal };
    }
    const lost = new AbortController();
    this.#watched = { id, lost };
    const onEnd = (reason: string): void => {
      if (this.#live?.id === id) {
        this.#live = null;
      }
      if (this.#watched?.id === id) {
        this.#watched = null;
      }
      lost.abort(new Error(`the container ended: ${reason}`));
    };
    container.monitor().then(
      () => onEnd("it exited"),
      (error: unknown) => onEnd(describe(error)),
    );
    return { id, token, lost: lost.signal };
  }

  /** Polls until the supervisor answers; rejects with what stood in the way. */
  async #healthy(run: Run): Promise<void> {
    const deadline = Date.now() + CONTAINER_READY_MS;
    let reason = "it did not answer";
    while (!this.#destroyed && Date.now() < deadline) {
      run.lost.throwIfAborted();
      try {
        const request = { method: "GET", path: "/health", timeoutMs: HEALTH_CALL_MS };
        const status = await this.send(run, request, async (response) => {
          await response.body?.cancel();
          return response.status;
        });
        if (status === 200) {
          return;
        }
        if (status === 401) {
          throw new WrongToken("the supervisor has another token");
        }
        reason = `the supervisor answered ${status}`;
      } catch (error) {
        if (error instanceof WrongToken) {
          throw error;
        }
        reason = describe(error);
      }
      await scheduler.wait(HEALTH_POLL_MS);
    }
    throw new Error(`it was not ready after ${CONTAINER_READY_MS / 1000} s: ${reason}`);
  }

  /** A container that cannot be talked to is ended, so that the next call starts another. */
  async #abandon(container: SessionContainer): Promise<void> {
    const watched = this.#watched;
    if (!container.running || watched === null) {
      return;
    }
    try {
      container.signal(SIGKILL);
    } catch {
      return; // It has ended by itself.
    }
    const deadline = Date.now() + KILLED_MS;
    while (!watched.lost.signal.aborted && Date.now() < deadline) {
      await scheduler.wait(HEALTH_POLL_MS);
    }
  }
}

class WrongToken extends Error {}

function startOptions(run: StoredRun, limits: ResourceLimits, images: Readonly<Record<string, string>>): StartOptions {
  const env: SupervisorEnvironment & Record<string, string> = {
    BUNTIME_TOKEN: run.token,
    BUNTIME_MEMORY_MB: String(limits.memory),
    BUNTIME_DISK_MB: String(limits.disk),
  };
  const image = images["bun"];
  // Without named images the platform chooses image and size, from wrangler.toml.
  return image === undefined
    ? { enableInternet: true, env }
    : { image, instance: instanceFor(limits), enableInternet: true, env };
}

function randomToken(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(32)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function unavailable(reason: string): Result<never> {
  return fail("container_unavailable", `The session's container could not be started: ${reason}. Try again.`, {
    reason,
  });
}
