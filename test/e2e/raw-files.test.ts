// Files as bytes: streamed, by range, and guarded by their ETag.
import { beforeAll, describe, expect, test } from "vitest";
import { createHash } from "node:crypto";
import { FileDeleted, FileEntry } from "../../src/contract/files.ts";
import { platformOfRun, problem } from "../support/e2e.ts";

const client = platformOfRun();
let sessionId = "";
const raw = (path: string): string => `/sessions/${sessionId}/files/${path}`;

beforeAll(async () => {
  sessionId = (await client.createSession()).id;
  await client.request("PUT", raw("alphabet.txt"), { body: "abcdefghijklmnopqrstuvwxyz" });
  return async () => void (await client.request("DELETE", `/sessions/${sessionId}`));
});

const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  client.request("GET", raw(path), { headers });

describe("upload and download", () => {
  test("bytes come back as they were sent", async () => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => (index * 7) % 256));
    const created = await client.request("PUT", raw("up/deep/b.bin"), { body: bytes });
    expect(created.status).toBe(201);
    expect(FileEntry.parse(await created.json())).toMatchObject({ path: "up/deep/b.bin", size: 70_000, type: "file" });
    expect(Buffer.from(await (await get("up/deep/b.bin")).arrayBuffer())).toEqual(bytes);
    expect((await client.request("PUT", raw("up/deep/b.bin"), { body: "2" })).status).toBe(200);
  });

  test("an upload without a length is streamed to its end", async () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let index = 0; index < 64; index++) controller.enqueue(new Uint8Array(16_384).fill(index));
        controller.close();
      },
    });
    expect((await client.request("PUT", raw("up/stream.bin"), { body })).status).toBe(201);
    expect((await get("up/stream.bin")).headers.get("content-length")).toBe(String(64 * 16_384));
  });

  test("an upload of 100 MB arrives whole, and goes back whole", async () => {
    const megabyte = Buffer.alloc(1024 * 1024, "0123456789abcdef");
    const sent = createHash("sha256");
    let left = 100;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent.update(megabyte);
        controller.enqueue(megabyte);
        if (--left === 0) controller.close();
      },
    });
    expect((await client.request("PUT", raw("up/large.bin"), { body })).status).toBe(201);
    const received = createHash("sha256");
    let size = 0;
    const response = await get("up/large.bin");
    for await (const part of response.body ?? []) {
      size += part.length;
      received.update(part);
    }
    expect(size).toBe(100 * 1024 * 1024);
    expect(received.digest("hex")).toBe(sent.digest("hex"));
    await client.request("DELETE", raw("up/large.bin"));
  });

  test("an empty file is a file", async () => {
    await client.request("PUT", raw("up/empty"), { body: "" });
    const response = await get("up/empty");
    expect([response.status, response.headers.get("content-length"), await response.text()]).toEqual([200, "0", ""]);
  });

  test("the type follows the name", async () => {
    await client.request("PUT", raw("types/page.html"), { body: "<b>" });
    await client.request("PUT", raw("types/data.json"), { body: "{}" });
    expect((await get("types/page.html")).headers.get("content-type")).toMatch(/^text\/html/);
    expect((await get("types/data.json")).headers.get("content-type")).toMatch(/^application\/json/);
  });

  test("names with spaces, signs and umlauts work percent-encoded", async () => {
    const path = `odd/${encodeURIComponent("ü %?#&+.txt")}`;
    expect((await client.request("PUT", raw(path), { body: "odd" })).status).toBe(201);
    expect(await (await get(path)).text()).toBe("odd");
    expect(await client.execute({ sessionId, command: "ls odd" })).toMatchObject({ stdout: "ü %?#&+.txt\n" });
  });

  test("HEAD gives the headers of GET and no body", async () => {
    const [head, body] = await Promise.all([client.request("HEAD", raw("alphabet.txt")), get("alphabet.txt")]);
    expect(head.status).toBe(200);
    expect(await head.text()).toBe("");
    for (const name of ["content-length", "content-type", "etag", "accept-ranges", "last-modified"]) {
      expect(head.headers.get(name), name).toBe(body.headers.get(name));
    }
    expect(head.headers.get("content-length")).toBe("26");
    expect((await client.request("HEAD", raw("nowhere"))).status).toBe(404);
  });

  test("an upload that breaks off leaves the old file", async () => {
    await client.request("PUT", raw("up/whole.txt"), { body: "old" });
    const broken = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new Uint8Array(100_000)),
      pull: (controller) => controller.error(new Error("the client is gone")),
    });
    await expect(client.request("PUT", raw("up/whole.txt"), { body: broken })).rejects.toThrow();
    expect(await (await get("up/whole.txt")).text()).toBe("old");
    expect(await client.execute({ sessionId, command: "ls -A up | grep -i tmp" })).toMatchObject({ stdout: "" });
  });

  test("delete works as for the other calls", async () => {
    await client.request("PUT", raw("del/a.txt"), { body: "1" });
    expect(await problem(client, "DELETE", raw("del"))).toMatchObject({ status: 409 });
    expect(await client.ask(FileDeleted, "DELETE", raw("del/a.txt"))).toEqual({ deleted: true, path: "del/a.txt" });
    expect(await client.ask(FileDeleted, "DELETE", `${raw("del")}?recursive=true`)).toMatchObject({ deleted: true });
    expect(await problem(client, "GET", raw("del/a.txt"))).toMatchObject({ status: 404, code: "file_not_found" });
  });

  test("a folder has no bytes", async () => {
    expect((await problem(client, "GET", raw("up"))).status).toBeLessThan(500);
    expect((await problem(client, "PUT", raw("up"), { body: "x" })).status).toBeLessThan(500);
  });

  test("paths that lead out are refused, however they are encoded", async () => {
    for (const path of [
      "..%2f..%2fetc%2fpasswd",
      "%2e%2e/%2e%2e/etc/passwd",
      "%2fetc%2fpasswd",
      "a%00b",
      "a/%2e%2e/%2e%2e/x",
    ]) {
      for (const method of ["GET", "PUT", "DELETE"]) {
        const answer = await problem(client, method, raw(path), method === "PUT" ? { body: "x" } : {});
        expect(answer.status, `${method} ${path}`).toBeGreaterThanOrEqual(400);
        expect(answer.status, `${method} ${path}`).toBeLessThan(500);
      }
    }
    expect(await problem(client, "GET", raw("bad%zzencoding"))).toMatchObject({ status: 400, code: "invalid_request" });
    expect(await problem(client, "GET", raw("bad%ff%fe"))).toMatchObject({ status: 400, code: "invalid_request" });
  });
});

describe("ranges", () => {
  test.each([
    ["bytes=0-4", "abcde", "bytes 0-4/26"],
    ["bytes=20-", "uvwxyz", "bytes 20-25/26"],
    ["bytes=-3", "xyz", "bytes 23-25/26"],
    ["bytes=24-99", "yz", "bytes 24-25/26"],
    ["bytes=-99", "abcdefghijklmnopqrstuvwxyz", "bytes 0-25/26"],
    ["bytes=25-25", "z", "bytes 25-25/26"],
  ])("%s is %s", async (range, text, contentRange) => {
    const response = await get("alphabet.txt", { range });
    expect([response.status, response.headers.get("content-range")]).toEqual([206, contentRange]);
    expect(response.headers.get("content-length")).toBe(String(text.length));
    expect(await response.text()).toBe(text);
  });

  test.each(["bytes=26-", "bytes=100-200", "bytes=-0"])("%s is beyond the end", async (range) => {
    const response = await get("alphabet.txt", { range });
    expect([response.status, response.headers.get("content-range")]).toEqual([416, "bytes */26"]);
  });

  test.each(["bytes=5-2", "bytes=a-b", "lines=1-2", "bytes", "bytes=0-1,4-5"])("%s is ignored", async (range) => {
    const response = await get("alphabet.txt", { range });
    expect([response.status, await response.text()]).toEqual([200, "abcdefghijklmnopqrstuvwxyz"]);
  });

  test("If-Range gives the part only of the same file", async () => {
    const etag = (await client.request("HEAD", raw("alphabet.txt"))).headers.get("etag") ?? "";
    expect((await get("alphabet.txt", { range: "bytes=0-1", "if-range": etag })).status).toBe(206);
    expect((await get("alphabet.txt", { range: "bytes=0-1", "if-range": '"other"' })).status).toBe(200);
  });
});

describe("ETags", () => {
  const etagOf = async (path: string): Promise<string> =>
    (await client.request("HEAD", raw(path))).headers.get("etag") ?? "";

  test("change with the content, and not otherwise", async () => {
    await client.request("PUT", raw("tag/a.txt"), { body: "one" });
    const before = await etagOf("tag/a.txt");
    expect(before).toMatch(/^(W\/)?".+"$/);
    expect(await etagOf("tag/a.txt")).toBe(before);
    await client.request("PUT", raw("tag/a.txt"), { body: "two" });
    expect(await etagOf("tag/a.txt")).not.toBe(before);
    const after = await etagOf("tag/a.txt");
    await client.execute({ sessionId, command: "printf six > tag/a.txt" });
    expect(await etagOf("tag/a.txt")).not.toBe(after);
  });

  test("If-None-Match spares the body of what is known", async () => {
    const etag = await etagOf("alphabet.txt");
    const known = await get("alphabet.txt", { "if-none-match": `"x", ${etag}` });
    expect([known.status, await known.text(), known.headers.get("etag")]).toEqual([304, "", etag]);
    expect((await get("alphabet.txt", { "if-none-match": "*" })).status).toBe(304);
    expect((await get("alphabet.txt", { "if-none-match": '"x"' })).status).toBe(200);
  });

  test("If-Match guards a write against a change in between", async () => {
    await client.request("PUT", raw("tag/guard.txt"), { body: "1" });
    const etag = await etagOf("tag/guard.txt");
    await client.request("PUT", raw("tag/guard.txt"), { body: "22", headers: { "if-match": etag } });
    for (const method of ["PUT", "DELETE"]) {
      const answer = await problem(client, method, raw("tag/guard.txt"), {
        headers: { "if-match": etag },
        ...(method === "PUT" ? { body: "3" } : {}),
      });
      expect(answer).toMatchObject({ status: 412, code: "precondition_failed" });
    }
    expect(await (await get("tag/guard.txt")).text()).toBe("22");
    expect(await problem(client, "GET", raw("tag/guard.txt"), { headers: { "if-match": etag } })).toMatchObject({
      status: 412,
    });
  });

  test("If-None-Match: * writes only what is not there, and of many at once exactly one wins", async () => {
    const put = (body: string): Promise<Response> =>
      client.request("PUT", raw("tag/once.txt"), { body, headers: { "if-none-match": "*" } });
    const answers = await Promise.all(["a", "b", "c", "d"].map(put));
    expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([201, 412, 412, 412]);
  });
});
