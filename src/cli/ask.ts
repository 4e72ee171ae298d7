// Questions on a terminal. What is secret is not shown while it is typed.
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { EXIT, Failure } from "./failure.ts";
import { readStdin } from "./stdin.ts";

/** Where stdin is no terminal, its first line is the answer to the one question there is. */
export async function ask(question: string, options: { readonly secret?: boolean } = {}): Promise<string> {
  if (process.stdin.isTTY) return await askOnTerminal(question, options);
  const stdin = await readStdin();
  const [line = ""] = stdin.kind === "text" ? stdin.text.split("\n") : [];
  return line.trim();
}

async function askOnTerminal(question: string, { secret = false }: { readonly secret?: boolean }): Promise<string> {
  process.stderr.write(question);
  // Echoes what is typed, or, if that is secret, nothing.
  const output = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      if (!secret) process.stderr.write(chunk);
      done();
    },
  });
  const lines = createInterface({ input: process.stdin, output, terminal: true });
  const interrupted = new AbortController();
  lines.once("SIGINT", () => interrupted.abort());
  lines.once("close", () => interrupted.abort());
  try {
    return (await lines.question("", { signal: interrupted.signal })).trim();
  } catch {
    throw new Failure("no answer was given", { exitCode: EXIT.interrupted });
  } finally {
    lines.close();
    if (secret) process.stderr.write("\n");
  }
}
