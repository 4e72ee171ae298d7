// A workspace as a project has it: packages from the registry and a database, made by code in a session. A copy of it lies
// beside, for the floors.
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { createWriteStream } from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import * as z from "zod";
import type { Bench } from "./bench.ts";

/** Together more than 10,000 files and 200 MB. Of fixed versions, so that runs can be compared. */
const PACKAGES = [
  "typescript@5.9.3",
  "three@0.187.0",
  "date-fns@4.4.0",
  "rxjs@7.8.2",
  "lodash@4.18.1",
  "aws-sdk@2.1692.0",
  "monaco-editor@0.53.0",
  "@types/node@26.6.6",
];
const LEAST = { files: 10_000, bytes: 250_000_000 } as const;
const DATABASE_BYTES = 50_000_000;

/** Rows as a log has them: words that come again, and ids that never do. */
const DATABASE = `
import { Database } from "bun:sqlite";
import { statSync } from "node:fs";
const words = "request session answer error retry user file write read open close cache hit miss slow fast one two".split(" ");
const database = new Database("events.sqlite");
database.run("CREATE TABLE events (id TEXT PRIMARY KEY, at INTEGER, kind TEXT, body TEXT)");
const insert = database.prepare("INSERT INTO events VALUES (?, ?, ?, ?)");
const word = () => words[Math.floor(Math.random() * words.length)];
while (statSync("events.sqlite").size < ${DATABASE_BYTES}) {
  database.transaction(() => {
    for (let row = 0; row < 5000; row++) {
      insert.run(crypto.randomUUID(), Date.now() + row, word(), JSON.stringify({ from: Math.random(), text: Array.from({ length: 60 }, word).join(" ") }));
    }
  })();
}
database.close();`;

export interface Workspace {
  /** Of a session that has it. */
  readonly sessionId: string;
  /** A directory that has the same. */
  readonly copy: string;
  /** The same as .tar.gz. */
  readonly archive: string;
  readonly files: number;
  readonly megabytes: number;
}

/** Needs the registry. @throws Error when the workspace is smaller than it should be */
export async function makeWorkspace(bench: Bench): Promise<Workspace> {
  const { client, directory } = bench;
  const { id: sessionId } = await bench.session();
  const added = await client.execute({ sessionId, command: `bun add ${PACKAGES.join(" ")}` });
  if (added.exitCode !== 0) throw new Error(`the packages were not added: ${added.stderr}`);
  const filled = await client.execute({ sessionId, code: DATABASE });
  if (filled.exitCode !== 0) throw new Error(`the database was not made: ${filled.stderr}`);

  const archive = path.join(directory, "workspace.tgz");
  const response = await client.request("GET", `/sessions/${sessionId}/archive`);
  if (!response.ok || response.body === null) throw new Error(`the archive was not read: ${await response.text()}`);
  await pipeline(Readable.fromWeb(response.body), createWriteStream(archive));
  const copy = path.join(directory, "workspace");
  await mkdir(copy);
  await shell(`tar -xzf ${archive} -C ${copy}`);
  const [files, bytes] = z
    .tuple([z.number(), z.number()])
    .parse(
      (await shell(`find ${copy} -type f -printf '%s\\n' | awk '{ sum += $1 } END { print NR, sum }'`))
        .split(" ")
        .map(Number),
    );
  if (files < LEAST.files || bytes < LEAST.bytes)
    throw new Error(`the workspace has only ${files} files, ${bytes} bytes`);
  return { sessionId, copy, archive, files, megabytes: bytes / 1e6 };
}

/** Prints what the command prints. @throws Error when it fails */
export async function shell(command: string): Promise<string> {
  return (await promisify(execFile)("sh", ["-c", command])).stdout.trim();
}
