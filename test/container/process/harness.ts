// The real supervisor as a process of its own, with a temporary workspace and, as root, a uid that nobody else has.
import { chmodSync, chownSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import type { ErrorBody } from "../../../src/contract/errors.ts";
import type {
  ExecuteAnswer,
  ExecutionRecord,
  KillAnswer,
  OutputPage,
  ProcessList,
} from "../../../src/contract/execute.ts";
import { newId } from "../../../src/contract/ids.ts";
import type { ExecuteCommand, Health } from "../../../src/contract/supervisor.ts";
import { claimPort } from "../../../src/local/port.ts";
import { until } from "../../support/until.ts";

const MAIN = new URL("../../../container/supervisor/main.ts", import.meta.url).pathname;
export const isRoot = process.getuid?.() === 0;
/**
 * For tests in which much is done, or a time-out or a grace period has to pass, on a machine that does other things
 * besides. At a test's time-out Bun kills what the file has started, and the tests that follow fail too.
 */
export const SLOW_MS = 60_000;

export interface SupervisorOptions {
  /** Beside what a container always gets. */
  readonly env?: Readonly<Record<string, string>>;
  readonly memoryMb?: number;
  readonly diskMb?: number;
}

export interface Refusal {
  readonly status: number;
  readonly error: ErrorBody["error"];
}

export interface StreamEvent {
  readonly event: string;
  readonly id: string | null;
  // oxlint-disable-next-line typescript/no-explicit-any -- whatever the supervisor sent; tests look into it
  readonly data: any;
}

export class TestSupervisor {
  readonly workspace: string;
  readonly uid: number;
  readonly token = newId("req").padEnd(64, "0");
  readonly #options: SupervisorOptions;
  #port = 0;
  #process: Bun.Subprocess | null = null;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.workspace = realpathSync(mkdtempSync(`${tmpdir()}/buntime-process-`));
    chmodSync(this.workspace, 0o755);
    this.uid = isRoot ? 200_000 + Math.floor(Math.random() * 1_000_000_000) : (process.getuid?.() ?? 0);
    if (isRoot) chownSync(this.workspace, this.uid, this.uid);
  }

  get port(): number {
    return this.#port;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  async start(): Promise<void> {
    this.#port = await claimPort("127.0.0.1", 0);
    this.#process = Bun.spawn([process.execPath, "--smol", MAIN], {
      env: {
        PATH: process.env["PATH"] ?? "",
        BUNTIME_TOKEN: this.token,
        BUNTIME_WORKSPACE: this.workspace,
        BUNTIME_USER: isRoot ? `${this.uid}:${this.uid}` : "same",
        BUNTIME_CONTROL_PORT: String(this.#port),
        BUNTIME_MEMORY_MB: String(this.#options.memoryMb ?? 1024),
        BUNTIME_DISK_MB: String(this.#options.diskMb ?? 1024),
        ...this.#options.env,
      },
      stdio: ["ignore", "inherit", "inherit"],
    });
    await until("the supervisor answers", () =>
      this.fetch("/health").then(
        () => true,
        () => false,
      ),
    );
  }

  /** Resolves with the exit code, or the signal's negative meaning null. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    const stopping = this.#process;
    this.#process = null;
    stopping?.kill(signal);
    await stopping?.exited;
    return stopping?.exitCode ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    // Folders that are closed even to their owner hold up everybody but root.
    if (!isRoot) Bun.spawnSync(["chmod", "-R", "u+rwX", this.workspace]);
    rmSync(this.workspace, { recursive: true, force: true });
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (!headers.has("authorization")) headers.set("authorization", `Bearer ${this.token}`);
    return fetch(`http://127.0.0.1:${this.#port}${path}`, { ...init, headers });
  }

  async json<T>(path: string, init: RequestInit = {}): Promise<T> {
    const response = await this.fetch(path, init);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    // SAFETY: the type that the contract gives this path; tests check what matters in it.
    return (await response.json()) as T;
  }

  post(path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
    return this.fetch(path, {
      method: "POST",
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async execute(partial: Partial<ExecuteCommand>): Promise<ExecuteAnswer> {
    const response = await this.post("/execute", command(partial));
    if (!response.ok) throw new Error(`execute: ${response.status} ${await response.text()}`);
    // SAFETY: as in json().
    return (await response.json()) as ExecuteAnswer;
  }

  async refusal(partial: Partial<ExecuteCommand>): Promise<Refusal> {
    return refusalOf(await this.post("/execute", command(partial)));
  }

  async *stream(partial: Partial<ExecuteCommand>, signal?: AbortSignal): AsyncGenerator<StreamEvent> {
    const response = await this.post("/execute", command({ ...partial, stream: true }), signal);
    yield* events(response);
  }

  record(id: string): Promise<ExecutionRecord> {
    return this.json(`/executions/${id}`);
  }

  output(id: string, after = 0): Promise<OutputPage> {
    return this.json(`/executions/${id}/output?after=${after}`);
  }

  async processes(): Promise<ProcessList["processes"]> {
    return (await this.json<ProcessList>("/processes")).processes;
  }

  kill(body: { pid?: number; signal?: string } = {}): Promise<KillAnswer> {
    return this.json("/kill", { method: "POST", body: JSON.stringify(body) });
  }

  async bootId(): Promise<string> {
    return (await this.json<Health>("/health")).bootId;
  }
}

export async function startSupervisor(options: SupervisorOptions = {}): Promise<TestSupervisor> {
  const supervisor = new TestSupervisor(options);
  await supervisor.start();
  return supervisor;
}

export async function refusalOf(response: Response): Promise<Refusal> {
  if (response.ok) throw new Error(`not refused: ${await response.text()}`);
  // SAFETY: every error has this shape; tests look into it.
  const { error } = (await response.json()) as ErrorBody;
  return { status: response.status, error };
}

export function command(partial: Partial<ExecuteCommand>): ExecuteCommand {
  return {
    executionId: newId("exe"),
    files: [],
    env: {},
    timeoutMs: 15_000,
    workingDir: "/workspace",
    encoding: "utf-8",
    stream: false,
    cancelOnDisconnect: false,
    ...partial,
  };
}

/** Server-sent events as they come; comments have the event name `comment`. */
export async function* events(response: Response): AsyncGenerator<StreamEvent> {
  if (response.body === null) return;
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of response.body) {
    text += decoder.decode(bytes, { stream: true });
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      yield parseEvent(text.slice(0, end));
      text = text.slice(end + 2);
    }
  }
}

function parseEvent(block: string): StreamEvent {
  if (block.startsWith(":")) return { event: "comment", id: null, data: block.slice(1) };
  const fields = new Map(
    block.split("\n").map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]),
  );
  return {
    event: fields.get("event") ?? "",
    id: fields.get("id") ?? null,
    data: JSON.parse(fields.get("data") ?? "null"),
  };
}
