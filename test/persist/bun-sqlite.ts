// The driver for SQLite on bun:sqlite. That module is Bun's alone, so it runs in a process of Bun: this file, once more.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { BUN, TIED } from "../../src/local/repository.ts";
import type { SessionPersistDriver } from "../../src/sdk/persist/driver.ts";
import { SQLiteSessionPersistDriver } from "../../src/sdk/persist/sqlite.ts";
import type { SqliteDatabase } from "../../src/sdk/persist/sqlite.ts";
import { answerTo, remoteDriver } from "./remote.ts";

/** Some characters of a text would end a line. */
const lineOf = (text: string): string => `${encodeURIComponent(text)}\n`;

export function startInBun(file: string): { readonly driver: SessionPersistDriver; readonly end: () => void } {
  const child = spawn(TIED, [import.meta.filename, file], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, TIED: BUN },
  });
  /** Answers come in the order of the calls. */
  const waiting: PromiseWithResolvers<string>[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => waiting.shift()?.resolve(decodeURIComponent(line)));
  child.once("close", (code) => {
    for (const { reject } of waiting) reject(new Error(`Bun ended with ${code}`));
  });
  const driver = remoteDriver((text) => {
    const answer = Promise.withResolvers<string>();
    waiting.push(answer);
    child.stdin.write(lineOf(text));
    return answer.promise;
  });
  return { driver, end: () => child.stdin.end() };
}

if (import.meta.main && process.versions["bun"] !== undefined) {
  // Its types are not those of this project.
  const module: string = "bun:sqlite";
  const { Database } = (await import(module)) as { Database: new (file: string) => SqliteDatabase };
  const database = new Database(process.argv[2] ?? "");
  database.exec("PRAGMA busy_timeout = 20000");
  const driver = new SQLiteSessionPersistDriver(database);
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(lineOf(await answerTo(driver, decodeURIComponent(line))));
  }
}
