// The disk's limit: seen when it is crossed, gone when files are.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { DiskLedger } from "../../../container/supervisor/files/disk.ts";
import { codeOf, openHouse, post, until, type House } from "./house.ts";

const LIMIT = 30_000_000;
let house: House;
beforeEach(() => void (house = openHouse({ diskBytes: LIMIT })));
afterEach(() => house[Symbol.dispose]());

const put = (path: string, bytes: number, headers: Record<string, string> = {}): Promise<Response> =>
  house.fetch(`/raw/${path}`, { method: "PUT", body: new Uint8Array(bytes).fill(1), headers });

async function isOver(): Promise<boolean> {
  await house.disk.refresh();
  return house.disk.isOver();
}

test("an upload that does not fit is disk_full and changes nothing", async () => {
  expect((await put("file", 1000)).status).toBe(201);
  const response = await put("file", 40_000_000);
  expect(await codeOf(response)).toBe("disk_full");
  expect(await house.shell("ls -A; wc -c < file")).toBe("file\n1000\n");
});

test("so is one that does not say its length beforehand", async () => {
  const socket = connect(house.socket);
  socket.write("PUT /raw/endless HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
  let answer = "";
  socket.on("data", (data) => (answer += data.toString()));
  socket.on("error", () => {});
  const piece = Buffer.concat([Buffer.from("f4240\r\n"), Buffer.alloc(1_000_000, 1), Buffer.from("\r\n")]);
  Readable.from(Array.from({ length: 100 }, () => piece)).pipe(socket);
  await until(() => answer.includes("disk_full"), "it is refused");
  socket.destroy();
  expect(await house.shell("ls -A")).toBe("");
});

test("what user code writes is seen, and deleting makes the session usable at once", async () => {
  expect(await isOver()).toBe(false);
  await house.shell("head -c 40000000 /dev/zero > big");
  await until(isOver, "the limit is crossed");
  expect(await codeOf(await house.fetch("/files/write", post({ files: [{ path: "a", content: "x" }] })))).toBe(
    "disk_full",
  );
  await house.shell("rm big");
  expect(await isOver()).toBe(false);
  expect((await put("a", 1000)).status).toBe(201);
});

test("space that is allocated without being written counts", async () => {
  expect(await isOver()).toBe(false);
  await house.shell("fallocate -l 40000000 big");
  await until(isOver, "the limit is crossed");
});

test("hard links count once, holes not at all", async () => {
  await house.shell("head -c 20000000 /dev/zero > a; ln a b; ln a c; truncate -s 1000000000 hole");
  await house.disk.measure();
  expect(house.disk.usedBytes).toBeGreaterThan(19_000_000);
  expect(house.disk.isOver()).toBe(false);
});

test("rewriting the same file again and again is not mistaken for more", async () => {
  await house.shell("for i in 1 2 3 4 5; do head -c 10000000 /dev/zero > same; done");
  expect(await isOver()).toBe(false);
  expect((await put("fits", 10_000_000)).status).toBe(201);
});

test("files on a tmpfs are seen too", async () => {
  const directory = mkdtempSync("/dev/shm/buntime-disk-");
  try {
    const disk = new DiskLedger(directory, 1_000_000);
    await disk.refresh();
    await Bun.write(join(directory, "big"), new Uint8Array(2_000_000));
    await until(async () => {
      await disk.refresh();
      return disk.isOver();
    }, "the limit is crossed");
  } finally {
    rmSync(directory, { recursive: true });
  }
});
