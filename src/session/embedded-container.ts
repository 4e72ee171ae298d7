// The platform's container interface over the embedded engine's HTTP API. As there, every start begins with a new disk.
import { CONTROL_PORT } from "../contract/ids.ts";
import type { SessionContainer, StartOptions } from "./container.ts";

export interface EngineAddress {
  readonly url: string;
  readonly token: string;
}

interface EngineStatus {
  readonly running: boolean;
  readonly exit?: { readonly reason: string } | null;
}

/** The engine answers at once, but for `wait`, which it holds for 20 s. */
const CALL_MS = 10_000;
const WAIT_MS = 30_000;
/** For one of a few attempts that the object is held up by. */
const ATTACH_MS = 2000;
/** How often in a row the engine may be out of reach before its containers count as ended with it. */
const WAIT_ATTEMPTS = 5;
const WAIT_PAUSE_MS = 200;

export class EmbeddedContainer implements SessionContainer {
  readonly #engine: EngineAddress;
  readonly #id: string;
  #running = false;
  /** What `start` and `signal` have sent off: their callers do not wait, what comes after them does. */
  #pending: Promise<unknown> = Promise.resolve();
  /** `http://127.0.0.1:<n>` by port, for this run of the container. */
  readonly #addresses = new Map<number, Promise<string>>();

  constructor(engine: EngineAddress, id: string) {
    this.#engine = engine;
    this.#id = id;
  }

  /** Learns whether it is running from before. An engine that stays out of reach runs nothing. */
  async attach(): Promise<void> {
    this.#running = false;
    for (let failures = 0; failures < WAIT_ATTEMPTS; failures++) {
      try {
        this.#running = (await this.#call<EngineStatus>("GET", "", undefined, ATTACH_MS)).running;
        return;
      } catch {
        // What runs must not be taken for lost over one call that failed.
        await scheduler.wait(WAIT_PAUSE_MS);
      }
    }
  }

  get running(): boolean {
    return this.#running;
  }

  start(options: StartOptions): void {
    this.#running = true;
    this.#addresses.clear();
    this.#send("POST", "/start", { env: options.env, internet: options.enableInternet });
  }

  async monitor(): Promise<void> {
    try {
      await this.#pending;
      await this.#ended();
    } finally {
      this.#running = false;
      this.#addresses.clear();
    }
  }

  async destroy(): Promise<void> {
    await this.#pending.catch(() => {});
    await this.#call("DELETE", "");
    this.#running = false;
    this.#addresses.clear();
  }

  signal(signal: number): void {
    this.#send("POST", "/signal", { signal });
  }

  /** The engine takes no container away by itself. */
  async setInactivityTimeout(): Promise<void> {}

  getTcpPort(port: number): { fetch(request: Request): Promise<Response> } {
    return { fetch: (request) => this.#fetchPort(port, request) };
  }

  async #fetchPort(port: number, request: Request): Promise<Response> {
    await this.#pending;
    const origin = await this.#address(port);
    const url = new URL(request.url);
    const relayed = new Request(origin + url.pathname + url.search, request);
    if (port !== CONTROL_PORT) {
      // The engine makes it the `host` that the user's server reads.
      relayed.headers.set("x-buntime-host", url.host);
    }
    // As the real one, it leaves what the user's server has encoded as it is; a new Request forgets that it should.
    return fetch(relayed, { encodeResponseBody: "manual" });
  }

  #address(port: number): Promise<string> {
    const known = this.#addresses.get(port);
    if (known !== undefined) {
      return known;
    }
    const asked = this.#call<{ address: string }>("POST", `/ports/${port}`).then(({ address }) => `http://${address}`);
    this.#addresses.set(port, asked);
    asked.catch(() => this.#addresses.delete(port));
    return asked;
  }

  /** Resolves or rejects with the reason when the container is no longer there. */
  async #ended(): Promise<void> {
    for (let failures = 0; failures < WAIT_ATTEMPTS;) {
      try {
        const status = await this.#call<EngineStatus>("GET", "/wait", undefined, WAIT_MS);
        failures = 0;
        if (!status.running) {
          throw new ContainerEnded(status.exit?.reason ?? "it ended");
        }
      } catch (error) {
        if (error instanceof ContainerEnded) {
          throw error;
        }
        failures++;
        await scheduler.wait(WAIT_PAUSE_MS);
      }
    }
    throw new ContainerEnded("the engine does not answer");
  }

  #send(method: string, path: string, body: unknown): void {
    this.#pending = this.#pending.catch(() => {}).then(() => this.#call(method, path, body));
    // Whoever comes next sees the failure; until then it is nobody's.
    this.#pending.catch(() => {});
  }

  async #call<T>(method: string, path: string, body?: unknown, timeoutMs = CALL_MS): Promise<T> {
    const response = await fetch(`${this.#engine.url}/containers/${this.#id}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#engine.token}`, "content-type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    if (!response.ok) {
      throw new Error(`the engine answered ${response.status}: ${text.slice(0, 500)}`);
    }
    // SAFETY: the engine is ours and of the same release.
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }
}

class ContainerEnded extends Error {}
