// The engine's data directory on its own.
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EngineDirectory } from "../../../container/engine/directory.ts";

const dataDir = mkdtempSync(join(tmpdir(), "buntime-directory-"));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

test("containers may end at any moment while the disks of others are being removed", async () => {
  const directory = new EngineDirectory(dataDir);
  for (let round = 0; round < 300; round++) {
    const { workspace } = directory.container(`ses_${String(round).padStart(20, "0")}`);
    mkdirSync(join(workspace, "deep"), { recursive: true });
    writeFileSync(join(workspace, "deep/file"), "x");
    directory.discardDisk(`ses_${String(round).padStart(20, "0")}`);
    expect(existsSync(workspace)).toBe(false);
    // Removing goes on in between.
    for (let turn = 0; turn < round % 7; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  await directory.emptied();
  expect(readdirSync(join(dataDir, "engine")).filter((name) => !name.startsWith("ses_"))).toEqual([]);
});
