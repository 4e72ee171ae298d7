// One engine per data directory: a file with the owner's pid and start time, so that a stale one is known as such.
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { startTime } from "./launch.ts";

/** @throws Error when a running engine holds it */
export function takeLock(path: string): { release(): void } {
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, `${process.pid} ${startTime(process.pid)}\n`);
  try {
    while (!tryLink(mine, path)) {
      const [pid = "", started] = readFileSync(path, "utf8").trim().split(" ");
      if (startTime(Number(pid)) === started) {
        throw new Error(
          `another engine (process ${pid}) runs on this data directory: stop it, or set BUNTIME_DATA_DIR`,
        );
      }
      rmSync(path, { force: true });
    }
  } finally {
    rmSync(mine);
  }
  return { release: () => rmSync(path, { force: true }) };
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch {
    return false;
  }
}
