// What a crash has left in the bucket goes by itself, also on a machine where no cron fires.
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { withBucket } from "../support/bucket.ts";
import { ON_DOCKER } from "../support/e2e.ts";
import { takeSnapshot } from "../support/life.ts";
import { startTestPlatform } from "../support/platform.ts";
import type { TestPlatform } from "../support/platform.ts";
import { until } from "../support/until.ts";

const keysOf = (dataDir: string): Promise<string[]> =>
  withBucket(dataDir, async (bucket) => (await bucket.list()).objects.map(({ key }) => key).toSorted());

/** Objects of the bucket, as the local R2 keeps them while it runs. */
const blobsIn = (dataDir: string): number => readdirSync(path.join(dataDir, "state/r2/SNAPSHOTS/blobs")).length;

const digest = (): string => randomBytes(32).toString("hex");

// It looks into the data directory, and nothing of it is about containers.
test.skipIf(ON_DOCKER)("objects that nobody knows are deleted by the sweep, and what sessions need stays", async () => {
  const dataDir = mkdtempSync(path.join(tmpdir(), "buntime-e2e-"));
  const start = async (env: Record<string, string>): Promise<TestPlatform> => {
    const platform = await startTestPlatform({ dataDir, env });
    onTestFinished(() => platform.stop());
    return platform;
  };
  const first = await start({});
  const { id } = await first.client.createSession();
  const { stdout } = await first.client.execute({
    sessionId: id,
    command: "head -c 300000 /dev/urandom > a; sha256sum a",
  });
  await takeSnapshot(first.client, id);
  await first.end("SIGTERM");

  const needed = await keysOf(dataDir);
  expect(needed).not.toEqual([]);
  const orphans = [`${id}/${digest()}`, `ses_${"gone".repeat(5)}/${digest()}`];
  await withBucket(dataDir, (bucket) => Promise.all(orphans.map((key) => bucket.put(key, "left behind"))));
  expect(blobsIn(dataDir)).toBe(needed.length + orphans.length);

  const last = await start({ SWEEP_EVERY: "100ms", ORPHAN_AFTER: "1ms" });
  await until("the sweep has come", () => blobsIn(dataDir) === needed.length, { deadlineMs: 30_000 });
  const read = await last.client.request("GET", `/sessions/${id}/files/a`);
  expect(
    createHash("sha256")
      .update(await read.bytes())
      .digest("hex"),
  ).toBe(stdout.slice(0, 64));
  await last.end("SIGTERM");
  expect(await keysOf(dataDir)).toEqual(needed);
});
