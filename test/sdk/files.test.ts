import { createHash, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { BuntimeError } from "../../src/sdk/index.ts";
import { ownSession, sdkOfRun } from "../support/sdk.ts";

const client = sdkOfRun();
const NOT_TEXT = Uint8Array.of(0, 255, 254, 10, 13);

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe("client.files", () => {
  test("reads text as a string and other bytes as they are", async () => {
    const { id: sessionId } = await ownSession(client);
    await client.files.write({ sessionId, path: "text.txt", content: "\uFEFFnaïve\n" });
    await client.files.write({ sessionId, path: "bytes.bin", content: NOT_TEXT });
    expect(await client.files.read({ sessionId, path: "text.txt" })).toBe("\uFEFFnaïve\n");
    expect(await client.files.read({ sessionId, path: "bytes.bin" })).toEqual(NOT_TEXT);
    expect(await client.files.read({ sessionId, path: "bytes.bin", as: "bytes" })).toEqual(NOT_TEXT);
    expect(await client.files.read({ sessionId, path: "text.txt", as: "text" })).toBe("\uFEFFnaïve\n");
    expect(await client.files.read({ sessionId, path: "bytes.bin", as: "info" })).toMatchObject({
      encoding: "base64",
      size: 5,
    });
    const stream = await client.files.read({ sessionId, path: "bytes.bin", as: "stream" });
    expect(new Uint8Array(await new Response(stream).arrayBuffer())).toEqual(NOT_TEXT);
  });

  test("writes whatever holds bytes", async () => {
    const session = await ownSession(client);
    const contents = {
      text: "abc",
      array: Uint8Array.of(97, 98, 99),
      part: new Uint8Array([120, 97, 98, 99, 120]).subarray(1, 4),
      buffer: new Uint8Array([97, 98, 99]).buffer,
      blob: new Blob(["abc"]),
      stream: new Blob(["abc"]).stream(),
    };
    for (const [path, content] of Object.entries(contents)) {
      expect(await session.files.write({ path, content })).toMatchObject({ path, size: 3 });
      expect(await session.files.read({ path })).toBe("abc");
    }
    await session.files.write({ path: "decoded", content: "YWJj", encoding: "base64" });
    expect(await session.files.read({ path: "decoded" })).toBe("abc");
    const { stream: _, ...repeatable } = contents;
    const many = Object.entries(repeatable).map(([path, content]) => ({ path: `many/${path}`, content }));
    const { files } = await session.files.write({ files: many });
    expect(files.map(({ size }) => size)).toEqual([3, 3, 3, 3, 3]);
    expect(await session.files.read({ path: "many/part" })).toBe("abc");
  });

  test("text that UTF-8 cannot hold is refused rather than changed", async () => {
    const session = await ownSession(client);
    const writing = session.files.write({ path: "a", content: "\uD800" });
    await expect(writing).rejects.toMatchObject({ code: "invalid_request" });
  });

  test("lists an array that carries the total, all pages of it", async () => {
    const { id: sessionId } = await ownSession(client);
    const files = Array.from({ length: 130 }, (_, index) => ({
      path: `f${String(index).padStart(3, "0")}`,
      content: "x",
    }));
    await client.files.write({ sessionId, files: files.slice(0, 65) });
    await client.files.write({ sessionId, files: files.slice(65) });
    const list = await client.files.list({ sessionId });
    expect(Array.isArray(list)).toBe(true);
    expect(list.total).toBe(130);
    expect(list.map(({ path }) => path)).toEqual(files.map(({ path }) => path));
    const page = await client.files.list({ sessionId, limit: 10, offset: 125 });
    expect([page.length, page.total, page[0]?.path]).toEqual([5, 130, "f125"]);
  });

  test("lists a directory, and what is in its directories", async () => {
    const session = await ownSession(client);
    await session.files.write({ path: "a/b/c.txt", content: "x" });
    expect((await session.files.list()).map(({ path }) => path)).toEqual(["a"]);
    expect((await session.files.list({ path: "a", recursive: true })).map(({ path }) => path)).toEqual([
      "a/b",
      "a/b/c.txt",
    ]);
  });

  test("makes, moves and deletes", async () => {
    const session = await ownSession(client);
    expect(await session.files.mkdir({ path: "dir/sub" })).toMatchObject({ path: "dir/sub", type: "directory" });
    await session.files.write({ path: "a.txt", content: "a" });
    expect(await session.files.move({ from: "a.txt", to: "dir/b.txt" })).toMatchObject({ path: "dir/b.txt" });
    await session.files.write({ path: "c.txt", content: "c" });
    await expect(session.files.move({ from: "c.txt", to: "dir/b.txt" })).rejects.toMatchObject({ code: "conflict" });
    await session.files.move({ from: "c.txt", to: "dir/b.txt", overwrite: true });
    expect(await session.files.read({ path: "dir/b.txt" })).toBe("c");
    await expect(session.files.delete({ path: "dir" })).rejects.toMatchObject({ code: "conflict" });
    expect(await session.files.delete({ path: "dir", recursive: true })).toEqual({ deleted: true, path: "dir" });
    await expect(session.files.read({ path: "dir/b.txt" })).rejects.toMatchObject({ code: "file_not_found" });
  });

  test("finds lines", async () => {
    const session = await ownSession(client);
    await session.files.write({ path: "src/a.ts", content: "one\nneedle here\n" });
    await session.files.write({ path: "b.txt", content: "needle\n" });
    expect(await session.files.search({ q: "needle", glob: "**/*.ts" })).toEqual({
      matches: [{ path: "src/a.ts", line: 2, text: "needle here" }],
      truncated: false,
    });
  });

  test("tells of a file without its content, and what is wrong when there is none", async () => {
    const session = await ownSession(client);
    await session.files.write({ path: "a b/ü.txt", content: "four" });
    const stat = await session.files.stat({ path: "a b/ü.txt" });
    expect(stat).toMatchObject({ path: "a b/ü.txt", size: 4, etag: expect.any(String) });
    expect(Math.abs((stat.modified?.getTime() ?? 0) - Date.now())).toBeLessThan(3_600_000);
    await expect(session.files.stat({ path: "none" })).rejects.toMatchObject({ code: "file_not_found", status: 404 });
    await expect(client.files.stat({ sessionId: "none", path: "none" })).rejects.toMatchObject({
      code: "session_not_found",
    });
  });

  test("downloads a part of one version", async () => {
    const session = await ownSession(client);
    await session.files.write({ path: "digits", content: "0123456789" });
    const part = await session.files.download({ path: "digits", range: { offset: 2, length: 3 } });
    expect([part.status, await part.text()]).toEqual([206, "234"]);
    const rest = await session.files.download({ path: "digits", range: { offset: 7 } });
    expect(await rest.text()).toBe("789");
    const { etag } = await session.files.stat({ path: "digits" });
    expect(await (await session.files.download({ path: "digits", ifMatch: etag ?? "" })).text()).toBe("0123456789");
    await expect(session.files.download({ path: "digits", ifMatch: '"other"' })).rejects.toMatchObject({
      code: "precondition_failed",
    });
    await expect(session.files.download({ path: "digits", range: { offset: 20 } })).rejects.toMatchObject({
      code: "range_not_satisfiable",
    });
  });

  test("moves ten megabytes both ways, whole", async () => {
    const session = await ownSession(client);
    const bytes = randomBytes(10 * 1024 * 1024);
    const halves = [bytes.subarray(0, 5_000_001), bytes.subarray(5_000_001)];
    await session.files.write({ path: "big", content: new Blob(halves).stream() });
    expect(sha256(await session.files.read({ path: "big", as: "bytes" }))).toBe(sha256(bytes));
  });

  test("packs the workspace of one session and unpacks it in another", async () => {
    const [from, to] = await Promise.all([ownSession(client), ownSession(client)]);
    await from.files.write({
      files: [
        { path: "a/b.txt", content: "x" },
        { path: "c.bin", content: NOT_TEXT },
      ],
    });
    expect((await to.files.extract({ body: await from.files.archive() })).files).toBeGreaterThanOrEqual(2);
    expect(await to.files.read({ path: "a/b.txt" })).toBe("x");
    expect(await to.files.read({ path: "c.bin" })).toEqual(NOT_TEXT);
  });

  test.each(["..", ".", "../x", "a/../../x", "a//b", "%2e%2e", "\0", "x?y#z", " a ", "/etc/passwd", "a/./b"])(
    "a path such as %j means itself or is refused, and never another address",
    async (path) => {
      const session = await ownSession(client);
      const written = await session.files.write({ path, content: "here" }).catch((error: unknown) => error);
      if (written instanceof BuntimeError) {
        expect(written.code).toMatch(/^(invalid_request|conflict)$/);
        const reading = session.files.read({ path });
        await expect(reading).rejects.toMatchObject({
          code: expect.stringMatching(/^(invalid_request|file_not_found)$/),
        });
      } else {
        expect(await session.files.read({ path })).toBe("here");
        const { content } = await session.files.read({ path, as: "info" });
        expect(content).toBe("here");
      }
    },
  );
});
