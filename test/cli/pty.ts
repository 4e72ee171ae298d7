// `buntime` at a real terminal.
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { onTestFinished } from "vitest";
import { BUN } from "../../src/local/repository.ts";
import { until } from "../support/until.ts";
import { environment, MAIN } from "./command.ts";

export interface PtyOptions {
  readonly cols?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What runs there. Default: `buntime`. */
  readonly program?: readonly string[];
  readonly cwd?: string;
}

/** Less than a test has, so that what is missing is told. */
const PATIENCE_MS = 40_000;

export class Pty {
  readonly #child;
  readonly #output: Buffer[] = [];
  readonly #closed: Promise<unknown>;

  constructor(
    args: readonly string[],
    { cols = 80, rows = 24, env, program = [process.execPath, MAIN], cwd }: PtyOptions = {},
  ) {
    const driver = path.join(import.meta.dirname, "pty-driver.ts");
    this.#child = spawn(BUN, [driver, String(cols), String(rows), ...program, ...args], {
      stdio: ["pipe", "pipe", "inherit"],
      cwd,
      env: { ...environment(), TERM: "xterm-256color", ...env },
    });
    this.#child.stdout.on("data", (chunk: Buffer) => this.#output.push(chunk));
    this.#closed = once(this.#child, "close");
    onTestFinished(() => void this.#child.kill("SIGKILL"));
  }

  get output(): string {
    return Buffer.concat(this.#output).toString();
  }

  type(text: string): void {
    this.#send({ type: text });
  }

  resize(cols: number, rows: number): void {
    this.#send({ cols, rows });
  }

  async shows(text: string): Promise<void> {
    const what = `${JSON.stringify(text)} in ${this.#tail()}`;
    await until(what, () => this.output.includes(text), { deadlineMs: PATIENCE_MS });
  }

  async matches(pattern: RegExp): Promise<void> {
    const what = `${String(pattern)} in ${this.#tail()}`;
    await until(what, () => pattern.test(this.output), { deadlineMs: PATIENCE_MS });
  }

  /** @returns the exit code */
  async ended(): Promise<number | null> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error(`it goes on, and shows ${this.#tail()}`)), PATIENCE_MS);
    await Promise.race([this.#closed, late]);
    clearTimeout(timer);
    return this.#child.exitCode;
  }

  #tail(): string {
    return JSON.stringify(this.output.slice(-400));
  }

  #send(message: object): void {
    this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }
}
