// What the engine's tests do with a container: start it, run commands in it, look at it from the host.
import { randomBytes } from "node:crypto";
import { CONTROL_PORT, newId } from "../../../src/contract/ids.ts";
import type { TestEngine } from "../../support/engine.ts";
import { until } from "../../support/until.ts";

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

export class Machine {
  readonly id: string;
  readonly #token = randomBytes(32).toString("hex");
  readonly #engine: TestEngine;

  constructor(engine: TestEngine, id = newId("ses")) {
    this.#engine = engine;
    this.id = id;
  }

  /** The same container on another engine. */
  on(engine: TestEngine): Machine {
    return new Machine(engine, this.id);
  }

  static async start(engine: TestEngine, options: { readonly internet?: boolean } = {}): Promise<Machine> {
    const machine = new Machine(engine);
    await machine.start(options);
    return machine;
  }

  call(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(`${this.#engine.url}/containers/${this.id}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#engine.token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async start({ internet = true }: { readonly internet?: boolean } = {}): Promise<void> {
    const env = {
      BUNTIME_TOKEN: this.#token,
      BUNTIME_MEMORY_MB: "512",
      BUNTIME_DISK_MB: "512",
      BUNTIME_INTERNET: internet ? "1" : "0",
    };
    const response = await this.call("POST", "/start", { env, internet });
    if (!response.ok) throw new Error(await response.text());
  }

  async status(): Promise<unknown> {
    return await (await this.call("GET", "")).json();
  }

  async address(port: number): Promise<string> {
    const answer: unknown = await (await this.call("POST", `/ports/${port}`)).json();
    if (typeof answer === "object" && answer !== null && "address" in answer) return String(answer.address);
    throw new Error(JSON.stringify(answer));
  }

  async supervisor(path: string, init: RequestInit = {}): Promise<Response> {
    const request = new Request(`http://${await this.address(CONTROL_PORT)}${path}`, init);
    request.headers.set("authorization", `Bearer ${this.#token}`);
    return await fetch(request);
  }

  /** What opens the supervisor, for who has its address. */
  get authorization(): string {
    return `Bearer ${this.#token}`;
  }

  /** The boot id: new whenever the supervisor is. */
  async bootId(): Promise<string> {
    const health: unknown = await (await this.supervisor("/health")).json();
    return typeof health === "object" && health !== null && "bootId" in health ? String(health.bootId) : "";
  }

  run(command: string, options: { readonly background?: boolean; readonly timeoutMs?: number } = {}): Promise<Ran> {
    return this.#execute({ command, ...options });
  }

  /** Runs a server in the background. Resolves to its address when it answers. */
  async serve(code: string, port: number): Promise<string> {
    await this.#execute({ code, background: true });
    const address = await this.address(port);
    await until(`port ${port} answers`, () =>
      fetch(`http://${address}/`).then(
        () => true,
        () => false,
      ),
    );
    return address;
  }

  async #execute(what: Record<string, unknown>): Promise<Ran> {
    const response = await this.supervisor("/execute", {
      method: "POST",
      body: JSON.stringify({
        executionId: newId("ses").replace("ses_", "exe_"),
        files: [],
        env: {},
        timeoutMs: 20_000,
        workingDir: "/workspace",
        encoding: "utf-8",
        stream: false,
        cancelOnDisconnect: false,
        ...what,
      }),
    });
    if (!response.ok) throw new Error(await response.text());
    // SAFETY: an ExecuteAnswer, by src/contract/supervisor.ts.
    return (await response.json()) as Ran;
  }
}
