// What every group of figures is given: the platform, sessions, and the bare things beside it that floors come from.
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { Client } from "../../scripts/client.ts";
import { BUN } from "../../src/local/repository.ts";
import { previewLabel } from "../../src/contract/ids.ts";
import type { Session } from "../../src/contract/session.ts";
import { call } from "./http.ts";
import type { Call } from "./http.ts";

const PROGRAM = "console.log(1+1)";

export interface Bench {
  readonly client: Client;
  /** Of the start script. */
  readonly pid: number;
  /** Of the platform. */
  readonly dataDir: string;
  /** Where the bare programs and servers live. */
  readonly directory: string;
  /** The server of ./bare-server.ts, with nothing in between. */
  readonly direct: URL;
  readonly server: string;
  session(): Promise<Session>;
  stop(): Promise<void>;
}

export async function startBench({ client, pid, dataDir }: Pick<Bench, "client" | "pid" | "dataDir">): Promise<Bench> {
  const directory = mkdtempSync(path.join(tmpdir(), "buntime-bench-"));
  writeFileSync(path.join(directory, "program.ts"), PROGRAM);
  const file = path.join(import.meta.dirname, "bare-server.ts");
  const bare = spawn(BUN, [file], {
    cwd: directory,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, PORT: "0" },
  });
  const port = await new Promise<number>((resolve) => {
    createInterface({ input: bare.stdout }).on("line", (line) => resolve(Number(line.split(" ")[1])));
  });
  const sessions: string[] = [];
  return {
    client,
    pid,
    dataDir,
    directory,
    direct: new URL(`http://127.0.0.1:${port}`),
    server: await readFile(file, "utf8"),
    async session() {
      const session = await client.createSession();
      sessions.push(session.id);
      return session;
    },
    async stop() {
      bare.kill();
      await Promise.all(sessions.map((id) => client.request("DELETE", `/sessions/${id}`)));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A call of the API with the key. */
export function api({ client }: Pick<Bench, "client">, method: string, pathname: string, json?: unknown): Call {
  return {
    url: new URL(`/api${pathname}`, client.url),
    method,
    headers: { authorization: `Bearer ${client.apiKey}`, "content-type": "application/json" },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  };
}

export function preview({ client }: Bench, sessionId: string, pathname: string): Call {
  return { url: new URL(pathname, client.url), headers: { host: `${previewLabel(sessionId)}.${client.domain}` } };
}

/** One execute, checked: a wrong answer must not count as a fast one. */
export function execute({ client }: Bench, sessionId: string): Promise<void> {
  return executeAs(client, sessionId);
}

/** The same, of another account. */
export async function executeAs(client: Client, sessionId: string): Promise<void> {
  const body = await call(api({ client }, "POST", "/execute", { sessionId, code: PROGRAM }));
  const { stdout } = JSON.parse(body.toString());
  if (stdout !== "2\n") throw new Error(`execute answered ${body.toString()}`);
}

/** What ./bare-processes.ts prints. */
export async function bareProcesses({ directory }: Bench, ...args: readonly string[]): Promise<unknown> {
  const script = path.join(import.meta.dirname, "bare-processes.ts");
  const { stdout } = await promisify(execFile)(BUN, [script, path.join(directory, "program.ts"), ...args]);
  return JSON.parse(stdout);
}
