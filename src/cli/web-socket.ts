// Node 20 has a WebSocket behind a flag. There the command is run once more, with that flag.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { Failure } from "./failure.ts";

const FLAGS = ["--experimental-websocket", "--no-warnings"];

/**
 * Null where there is a WebSocket already; otherwise how the second run has ended.
 * @throws Failure where this runtime has none at all
 */
export async function runWithWebSocket(): Promise<number | null> {
  if ("WebSocket" in globalThis) return null;
  if (!FLAGS.every((flag) => process.allowedNodeEnvironmentFlags.has(flag))) {
    throw new Failure("a terminal needs a WebSocket, which this version of Node has not", {
      hint: "Use Node 22 or later, or Bun.",
    });
  }
  const args = [...process.execArgv, ...FLAGS, ...process.argv.slice(1)];
  const child = spawn(process.execPath, args, { stdio: "inherit" });
  // What comes from the local terminal comes to both; this one has to outlive the other.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => void child.kill(signal));
  // SAFETY: what the event comes with; either is null.
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}
