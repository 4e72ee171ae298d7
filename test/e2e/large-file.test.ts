// A file larger than 4 GB, most of which was never written: through R2 and back.
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { newSession, platformOfRun } from "../support/e2e.ts";
import { SOON, takeSnapshot, untilState } from "../support/life.ts";

const SIZE = 6 * 1024 ** 3;
/** Beyond what 32 bits can count. */
const AT = 5_000_000_000;
const LENGTH = 5_000_000;

test("a file of more than 4 GB sleeps and wakes as it is, and is read beyond them while it sleeps", async () => {
  const client = platformOfRun();
  const { id } = await newSession(client, SOON);
  const run = async (command: string): Promise<string> => (await client.execute({ sessionId: id, command })).stdout;
  const part = `tail -c +${AT + 1} big | head -c ${LENGTH}`;
  const look = `stat -c %s big; head -c 5 big; echo; ${part} | sha256sum; tail -c 3 big`;
  const fill = `head -c ${LENGTH} /dev/urandom | dd of=big oflag=seek_bytes seek=${AT} conv=notrunc iflag=fullblock bs=1M`;
  const before = await run(
    `printf first > big; truncate -s ${SIZE - 3} big; printf end >> big; ${fill} 2>/dev/null; ${look}`,
  );
  const [size, start, hash] = before.split("\n");
  expect([size, start]).toEqual([String(SIZE), "first"]);
  const { sizeBytes, storedBytes } = await takeSnapshot(client, id);
  expect(sizeBytes).toBeGreaterThanOrEqual(SIZE);
  expect(storedBytes).toBeLessThan(2 * LENGTH);

  await untilState(client, id, "deep-sleep");
  const headers = { range: `bytes=${AT}-${AT + LENGTH - 1}` };
  const read = await client.request("GET", `/sessions/${id}/files/big`, { headers });
  expect([read.status, read.headers.get("content-range")]).toEqual([206, `bytes ${AT}-${AT + LENGTH - 1}/${SIZE}`]);
  expect(
    createHash("sha256")
      .update(await read.bytes())
      .digest("hex"),
  ).toBe(hash?.slice(0, 64));
  await untilState(client, id, "deep-sleep");

  expect(await run(look)).toBe(before);
  // As sparse as it was.
  expect(Number(await run("stat -c %b big")) * 512).toBeLessThan(2 * LENGTH);
});
