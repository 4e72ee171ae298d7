// The Python kernel by itself, without the supervisor's contexts around it.
import { expect } from "bun:test";
import { Interpreter } from "../../../container/supervisor/context/interpreter.ts";
import { KernelPipes } from "../../../container/supervisor/context/kernel-pipes.ts";
import { launch } from "../../../container/supervisor/process/launch.ts";
import { PROGRAMS } from "./contexts.ts";

const KERNEL = new URL("../../../container/supervisor/context/kernels/python.py", import.meta.url).pathname;

export class PythonKernel {
  readonly #interpreter: Interpreter;
  #printed = "";
  #runs = 0;

  constructor(directory: string) {
    const pipes = new KernelPipes();
    const started = launch({
      argv: ["python3", KERNEL],
      workingDir: directory,
      env: { ...PROGRAMS, PYTHONDONTWRITEBYTECODE: "1" },
      stdin: undefined,
      further: pipes.theirs,
      user: { kind: "same" },
      namespace: null,
    });
    this.#interpreter = new Interpreter("context:test", { ...started, userPid: null }, pipes);
    pipes.release();
  }

  /** What it prints. */
  async run(code: string): Promise<string> {
    this.#printed = "";
    this.#runs += 1;
    const take = (_: string, bytes: Uint8Array): void => void (this.#printed += Buffer.from(bytes).toString());
    const sink = { take, show: () => {} };
    const answer = await this.#interpreter.run({ code, filename: `<run ${this.#runs}>`, env: {} }, sink);
    expect(answer?.error ?? null).toBeNull();
    return this.#printed;
  }

  /** The names of what is dropped. */
  async values(op: "save" | "restore", directory: string): Promise<string[]> {
    const answer = await this.#interpreter.values(op, { directory });
    expect(answer?.failed).toBeNull();
    return (answer?.dropped ?? []).map(({ name }) => name);
  }

  async end(): Promise<void> {
    this.#interpreter.kill();
    await this.#interpreter.ended;
  }
}
