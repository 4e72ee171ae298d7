// The interpreter of JavaScript by itself, as the supervisor starts it: two pipes beside its output.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { DroppedValue, Result, RunError } from "../../src/contract/contexts.ts";

const KERNEL = new URL("../../container/supervisor/context/kernels/javascript.ts", import.meta.url).pathname;

export interface Run {
  readonly stdout: string;
  readonly stderr: string;
  readonly results: readonly Result[];
  readonly error: RunError | null;
}

export interface Values {
  readonly kept: readonly string[];
  readonly dropped: readonly DroppedValue[];
  readonly failed?: string;
}

type Event = { readonly event: string; readonly result?: Result; readonly error?: RunError | null } & Partial<Values>;

export interface TestKernel extends AsyncDisposable {
  readonly directory: string;
  readonly pid: number;
  run(
    code: string,
    options?: { readonly env?: Readonly<Record<string, string>>; readonly interruptAt?: string },
  ): Promise<Run>;
  /** The JSON of its last value. */
  valueOf(code: string): Promise<unknown>;
  save(directory: string): Promise<Values>;
  restore(directory: string): Promise<Values>;
  interrupt(): void;
  /** No more requests. Its exit code. */
  close(): Promise<number | null>;
}

export async function startKernel(directory = mkdtempSync(join(tmpdir(), "kernel-"))): Promise<TestKernel> {
  const child = spawn(process.execPath, ["--smol", KERNEL, "typescript"], {
    cwd: directory,
    stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
  });
  const [, stdout, stderr, requests, events] = child.stdio as unknown as [null, Readable, Readable, Writable, Readable];
  const printed = { stdout: "", stderr: "" };
  const arrived: Event[] = [];
  let rest = "";
  let wake = Promise.withResolvers<void>();
  let exited = false;
  const tell = (): void => {
    wake.resolve();
    wake = Promise.withResolvers<void>();
  };
  const exit = new Promise<number | null>((resolve) => child.once("exit", resolve)).then((code) => {
    exited = true;
    tell();
    return code;
  });
  for (const [name, stream] of [
    ["stdout", stdout],
    ["stderr", stderr],
  ] as const) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed[name] += text;
      tell();
    });
  }
  events.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    // What is no JSON fails the test that made it: nothing else may come here.
    for (const line of lines) arrived.push(JSON.parse(line) as Event);
    tell();
  });

  const waitUntil = async <T>(look: () => T | undefined): Promise<T> => {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (exited) throw new Error(`The interpreter has ended: ${printed.stderr}`);
      await wake.promise;
    }
  };
  const send = (request: object): void => void requests.write(`${JSON.stringify(request)}\n`);
  const takeEvents = (last: string): Promise<Event[]> =>
    waitUntil(() => {
      const end = arrived.findIndex(({ event }) => event === last);
      return end < 0 ? undefined : arrived.splice(0, end + 1);
    });
  const takePrinted = (name: "stdout" | "stderr", mark: string): Promise<string> =>
    waitUntil(() => {
      const end = printed[name].indexOf(mark);
      if (end < 0) return undefined;
      const text = printed[name].slice(0, end);
      printed[name] = printed[name].slice(end + mark.length);
      return text;
    });

  await takeEvents("ready");
  let count = 0;
  const values = async (op: "save" | "restore", event: string, place: string): Promise<Values> => {
    send({ op, id: ++count, directory: place });
    return (await takeEvents(event)).at(-1) as unknown as Values;
  };
  const kernel: TestKernel = {
    directory,
    pid: child.pid ?? 0,
    async run(code, { env = {}, interruptAt } = {}) {
      const id = ++count;
      const nonce = `nonce${id}`;
      send({ op: "run", id, code, filename: `<run ${id}>`, env, nonce });
      if (interruptAt !== undefined) {
        await waitUntil(() => printed.stdout.includes(interruptAt) || undefined);
        child.kill("SIGINT");
      }
      // As the supervisor does it: one that comes between two steps may be lost.
      const again = setInterval(() => interruptAt !== undefined && child.kill("SIGINT"), 250);
      const all = await takeEvents("done").finally(() => clearInterval(again));
      const mark = `\u001E${nonce}\n`;
      return {
        stdout: await takePrinted("stdout", mark),
        stderr: await takePrinted("stderr", mark),
        results: all.flatMap(({ result }) => (result === undefined ? [] : [result])),
        error: all.at(-1)?.error ?? null,
      };
    },
    async valueOf(code) {
      const { results, error } = await kernel.run(code);
      if (error !== null) throw new Error(`${error.name}: ${error.message}`);
      return results.find(({ main }) => main)?.json;
    },
    save: (place) => values("save", "saved", place),
    restore: (place) => values("restore", "restored", place),
    interrupt: () => void child.kill("SIGINT"),
    async close() {
      requests.end();
      return exit;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exit;
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return kernel;
}
