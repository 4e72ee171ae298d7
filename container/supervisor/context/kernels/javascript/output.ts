// What the program prints, as far as the kernel has to do with it: all of a run is written before its mark.
import { readFileSync } from "node:fs";
import { writeAll } from "./channel.ts";
import { waitFor } from "./waiting.ts";

const STREAMS = [
  ["stdout", 1],
  ["stderr", 2],
] as const;
const O_NONBLOCK = 0o4000;

/** The line that tells the supervisor where the output of a run ends. */
export function markEnd(nonce: string): void {
  for (const [name, fd] of STREAMS) {
    try {
      if (isNonBlocking(fd)) flush(name);
      writeAll(fd, `\u001E${nonce}\n`);
    } catch {
      // The program has closed it.
    }
  }
}

/** On the program's stderr, as Bun itself reports what nobody handles. */
export function report(text: string): void {
  try {
    writeAll(2, `${text}\n`);
  } catch {
    // As above.
  }
}

/** `console` writes at once. `process.stdout` makes its descriptor non-blocking and keeps what the pipe has no room for;
 * to ask it when it was never used would cost 8 ms. */
function isNonBlocking(fd: number): boolean {
  const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1] ?? "0";
  return (Number.parseInt(flags, 8) & O_NONBLOCK) !== 0;
}

/** Past `write`, which programs replace in order to listen: the stream's sink itself. */
function flush(name: "stdout" | "stderr"): void {
  const stream: object = process[name];
  for (const symbol of Object.getOwnPropertySymbols(stream)) {
    const sink: unknown = Reflect.getOwnPropertyDescriptor(stream, symbol)?.value;
    if (!isSink(sink)) continue;
    const flushed = sink.flush();
    if (flushed instanceof Promise) waitFor(flushed);
  }
}

function isSink(value: unknown): value is Bun.FileSink {
  return typeof value === "object" && value !== null && "flush" in value && typeof value.flush === "function";
}
