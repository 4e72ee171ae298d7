// A session's container: started once however many ask, watched, reached, destroyed. The only file that names
// ctx.container. A run is one start of it; its token is stored before the start, so that a later instance of the
// object can go on talking to it. Work that began on one run must never be taken for another's.
import { CONTROL_PORT } from "../contract/ids.ts";
import { CONTAINER_READY_MS } from "../contract/limits.ts";
import type { ResourceLimits } from "../contract/session.ts";
import type { Env } from "../env.ts";
import { describe, logError } from "../lib/log.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { within } from "../lib/within.ts";
import type { SessionContainer } from "./container.ts";
import { EmbeddedContainer } from "./embedded-container.ts";
import { hasInternet } from "./record.ts";
import { TimedOut } from "./run.ts";
import type { Run, RuntimeHooks, SupervisorRequest } from "./run.ts";
import { randomToken, startOptions } from "./start-options.ts";
import type { SessionStore, StoredRun } from "./store.ts";

/** The most that the platform takes: https://developers.cloudflare.com/containers/ names six hours. */
const INACTIVITY_MS = 6 * 60 * 60 * 1000;
const HEALTH_POLL_MS = 25;
const HEALTH_CALL_MS = 2000;
const SIGKILL = 9;
const RELEASE_MS = 30_000;
/** A container that was killed is given this long to be noticed as ended. */
const KILLED_MS = 2000;
const DELETED = "the session was deleted";

export class Runtime {
  readonly #container: SessionContainer | null;
  readonly #sessionId: string | undefined;
  readonly #images: Readonly<Record<string, string>>;
  readonly #store: SessionStore;
  #live: Run | null = null;
  #starting: Promise<Result<Run>> | null = null;
  /** The run that is being watched; its controller is aborted at its end. */
  #watched: { readonly id: string; readonly lost: AbortController } | null = null;
  readonly #hooks: RuntimeHooks;
  #releasing: Promise<void> | null = null;
  #destroyed = false;

  /** `sessionId` is given, since an object that an alarm wakes does not know its own name. */
  constructor(
    ctx: DurableObjectState,
    env: Env,
    own: { readonly store: SessionStore; readonly sessionId: string | undefined; readonly hooks: RuntimeHooks },
  ) {
    const { store, sessionId, hooks } = own;
    this.#sessionId = sessionId;
    this.#store = store;
    this.#hooks = hooks;
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

  /** The run to talk to, if there is one that is healthy. Starts none. */
  get live(): Run | null {
    return this.#live;
  }

  /** The run to talk to; starts the container if there is none. A start that failed is tried anew by the next call. */
  async ready(limits: ResourceLimits): Promise<Result<Run>> {
    if (this.#live !== null) {
      return ok(this.#live);
    }
    try {
      // Nothing that is asked for now may meet a container on its way out.
      await this.#releasing;
    } catch (error) {
      return unavailable(`the one before it could not be ended: ${describe(error)}`);
    }
    if (this.#live !== null) {
      return ok(this.#live);
    }
    this.#starting ??= this.#start(limits).finally(() => {
      this.#starting = null;
    });
    return this.#starting;
  }

  /** Where the container has stopped: tells of one that ended while nobody watched. True where one had. */
  noticeLoss(): boolean {
    const known = this.#store.loadRun();
    if (known === null) {
      return false;
    }
    this.#store.forgetRun();
    if (known.prepared) {
      this.#hooks.lost(known.id, "it ended while nobody watched");
    }
    return known.prepared;
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
    const onSignal = (): void => ended.abort(request.signal?.reason);
    run.lost.addEventListener("abort", onLost);
    request.signal?.addEventListener("abort", onSignal);
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
      request.signal?.removeEventListener("abort", onSignal);
    }
  }

  /** Passes a request to what listens on a port of the container. Rejects when nothing does. */
  async fetchPort(port: number, request: Request): Promise<Response> {
    if (this.#container === null) {
      throw new Error("the container is gone");
    }
    return this.#container.getTcpPort(port).fetch(request);
  }

  /** Ends the container; its files were saved, or are not wanted. The next call starts another. */
  release(): Promise<void> {
    this.#releasing ??= this.#release().finally(() => {
      this.#releasing = null;
    });
    return this.#releasing;
  }

  /** Ends the container and all that it holds. May be called again; no other is started afterwards. */
  async destroy(): Promise<void> {
    this.#destroyed = true;
    this.#live = null;
    await this.#container?.destroy();
  }

  async #release(): Promise<void> {
    await this.#starting?.catch(() => {});
    this.#live = null;
    const watched = this.#watched;
    // Before it ends: an end that was asked for is no loss.
    this.#watched = null;
    this.#store.forgetRun();
    // Whether it is known to run or not: an instance that was lost in the middle of this has left one that is not.
    await within(this.#container?.destroy() ?? Promise.resolve(), RELEASE_MS);
    watched?.lost.abort(new Error("the container was released"));
  }

  async #start(limits: ResourceLimits): Promise<Result<Run>> {
    if (this.#container === null) {
      return unavailable("no container engine is configured: set ENGINE_URL, or run with containers enabled");
    }
    try {
      const known = this.#destroyed ? null : await this.#adopted(this.#container);
      if (this.#destroyed) {
        // Nobody would end what is started from here on.
        return unavailable(DELETED);
      }
      const prepare = known?.prepared === true ? null : this.#hooks.prepare();
      const stored = known ?? this.#launch(this.#container, limits);
      const run = this.#watch(this.#container, stored);
      await this.#healthy(run);
      if (prepare !== null) {
        await prepare(run);
        this.#store.saveRun({ ...stored, prepared: true });
      }
      await this.#hooks.settle(run, { launched: known === null });
      if (this.#destroyed) {
        return unavailable(DELETED);
      }
      run.lost.throwIfAborted();
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
      return unavailable(this.#destroyed ? DELETED : reason);
    }
  }

  /** The container that runs from before. */
  async #adopted(container: SessionContainer): Promise<StoredRun | null> {
    const known = this.#store.loadRun();
    if (container.running) {
      if (known === null) {
        // It was to be released, and is not to be talked to again.
        await within(container.destroy(), RELEASE_MS);
      }
      return known;
    }
    this.noticeLoss();
    return null;
  }

  #launch(container: SessionContainer, limits: ResourceLimits): StoredRun {
    const record = this.#store.load()?.record;
    const image = record?.image ?? "bun";
    const internet = record === undefined || hasInternet(record);
    const run: StoredRun = { id: crypto.randomUUID(), token: randomToken(), prepared: false, internet };
    const options = startOptions(run.token, { image, resourceLimits: limits, internet }, this.#images);
    this.#store.saveRun(run);
    container.start(options);
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
      const isLoss = this.#watched?.id === id && !this.#destroyed && this.#store.loadRun()?.prepared === true;
      if (this.#watched?.id === id) {
        this.#watched = null;
      }
      lost.abort(new Error(`the container ended: ${reason}`));
      if (isLoss) {
        this.#store.forgetRun();
        this.#hooks.lost(id, reason);
      }
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

function unavailable(reason: string): Result<never> {
  return fail("container_unavailable", `The session's container could not be started: ${reason}. Try again.`, {
    reason,
  });
}
