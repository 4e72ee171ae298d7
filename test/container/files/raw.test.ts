// Raw files: bytes in and out, ranges, conditions, what an interrupted upload leaves.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, linkSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { createFileRoutes } from "../../../container/supervisor/files/routes.ts";
import { codeOf, isRoot, modeOf, openHouse, ownerOf, until, type House } from "./house.ts";

let house: House;
beforeAll(() => void (house = openHouse()));
afterAll(() => house[Symbol.dispose]());

const put = (
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> => house.fetch(`/raw/${path}`, { method: "PUT", body, headers });

describe("raw upload", () => {
  test("a new file is 201 and belongs to the user, a replaced one 200 with its mode kept", async () => {
    const made = await put("deep/er/run.sh", "echo hi");
    expect(made.status).toBe(201);
    expect(await made.json()).toMatchObject({ path: "deep/er/run.sh", size: 7, type: "file" });
    const path = join(house.workspace, "deep/er/run.sh");
    if (isRoot) expect([ownerOf(path), ownerOf(join(house.workspace, "deep"))]).toEqual([1000, 1000]);
    expect(modeOf(path)).toBe(0o644);
    chmodSync(path, 0o755);
    const replaced = await put("deep/er/run.sh", "echo again");
    expect(replaced.status).toBe(200);
    expect(modeOf(path)).toBe(0o755);
    expect(readFileSync(path, "utf8")).toBe("echo again");
  });

  test("an empty file can be written and read", async () => {
    expect((await put("empty", "")).status).toBe(201);
    const response = await house.fetch("/raw/empty");
    expect([response.status, response.headers.get("content-length"), await response.text()]).toEqual([200, "0", ""]);
  });

  test("a name of any characters comes back as it went in", async () => {
    for (const name of ["ünïcødé ☃.txt", "a%b?c#d", "-rf", "with\nnewline", "..."]) {
      expect((await put(encodeURIComponent(name), name)).status).toBe(201);
      expect(await (await house.fetch(`/raw/${encodeURIComponent(name)}`)).text()).toBe(name);
    }
  });

  test("an upload whose connection breaks changes nothing and leaves nothing", async () => {
    await put("kept/file", "before");
    const socket = connect(house.socket);
    socket.write("PUT /raw/kept/file HTTP/1.1\r\nhost: x\r\ncontent-length: 4000000\r\n\r\n");
    socket.write(Buffer.alloc(2_000_000));
    const directory = join(house.workspace, "kept");
    await until(() => readdirSync(directory).length === 2, "the upload has begun");
    socket.destroy();
    await until(() => readdirSync(directory).length === 1, "the draft is gone");
    expect(readFileSync(join(directory, "file"), "utf8")).toBe("before");
  });

  test("readers see the old file until the new one is whole, and an upload under way is not listed", async () => {
    await put("seen/file", "before");
    const socket = connect(house.socket);
    socket.write("PUT /raw/seen/file HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nafter");
    await until(() => readdirSync(join(house.workspace, "seen")).length === 2, "the upload has begun");
    expect(await (await house.fetch("/raw/seen/file")).text()).toBe("before");
    expect(await (await house.fetch("/files/list?path=seen")).json()).toMatchObject({ total: 1 });
    socket.write("wards");
    await until(async () => (await (await house.fetch("/raw/seen/file")).text()) === "afterwards", "it is replaced");
    socket.destroy();
  });

  test("If-Match and If-None-Match guard against overwriting what one has not seen", async () => {
    const etag = (await put("guarded", "1")).headers.get("etag") ?? "";
    expect((await put("guarded", "2", { "if-none-match": "*" })).status).toBe(412);
    expect((await put("guarded", "2", { "if-match": '"other"' })).status).toBe(412);
    const second = await put("guarded", "2", { "if-match": etag });
    expect(second.status).toBe(200);
    expect(second.headers.get("etag")).not.toBe(etag);
    expect((await put("guarded", "3", { "if-match": etag })).status).toBe(412);
    expect((await put("missing", "3", { "if-match": "*" })).status).toBe(412);
    expect((await put("fresh", "3", { "if-none-match": "*" })).status).toBe(201);
    expect(await (await house.fetch("/raw/guarded")).text()).toBe("2");
    const stale = await house.fetch("/raw/guarded", { method: "DELETE", headers: { "if-match": etag } });
    expect(stale.status).toBe(412);
  });

  test("versions written one right after the other all have ETags of their own", async () => {
    const etags = new Set<string>();
    for (let round = 0; round < 50; round++) etags.add((await put("counted", "1")).headers.get("etag") ?? "");
    expect(etags.size).toBe(50);
  });

  test("an ETag stays with its file through a copy that keeps the time, as a restore makes", async () => {
    const etag = (await put("moved", "1")).headers.get("etag") ?? "";
    await house.shell("cp -p moved copy && rm moved && cp -p copy moved && chmod 600 moved");
    expect((await house.fetch("/raw/moved", { headers: { "if-none-match": etag } })).status).toBe(304);
  });

  test("a directory in the way is a conflict", async () => {
    await put("place/file", "x");
    expect(await codeOf(await put("place", "x"))).toBe("conflict");
    expect(await codeOf(await put("place/file/below", "x"))).toBe("conflict");
  });
});

describe("raw download", () => {
  const text = "0123456789".repeat(100);

  test("GET and HEAD tell length, type and validators", async () => {
    await put("page.html", "<p>");
    await put("data.unknown", "x");
    const get = await house.fetch("/raw/page.html");
    expect(get.headers.get("content-type")).toBe("text/html;charset=utf-8");
    expect(get.headers.get("x-content-type-options")).toBe("nosniff");
    expect(get.headers.get("accept-ranges")).toBe("bytes");
    const head = await house.fetch("/raw/page.html", { method: "HEAD" });
    for (const name of ["content-length", "content-type", "etag", "last-modified"]) {
      expect(head.headers.get(name)).toBe(get.headers.get(name));
    }
    expect(await head.text()).toBe("");
    expect((await house.fetch("/raw/data.unknown")).headers.get("content-type")).toBe("application/octet-stream");
  });

  test("a known file is 304, and a changed one is sent again", async () => {
    const etag = (await put("cached", "1")).headers.get("etag") ?? "";
    const again = await house.fetch("/raw/cached", { headers: { "if-none-match": `W/"x", ${etag}` } });
    expect([again.status, again.headers.get("etag"), await again.text()]).toEqual([304, etag, ""]);
    writeFileSync(join(house.workspace, "cached"), "2");
    expect((await house.fetch("/raw/cached", { headers: { "if-none-match": etag } })).status).toBe(200);
    expect((await house.fetch("/raw/cached", { headers: { "if-match": etag } })).status).toBe(412);
  });

  test.each([
    ["bytes=0-9", 206, "bytes 0-9/1000", 10],
    ["bytes=990-", 206, "bytes 990-999/1000", 10],
    ["bytes=-5", 206, "bytes 995-999/1000", 5],
    ["bytes=0-99999", 206, "bytes 0-999/1000", 1000],
    ["bytes=0-1,5-6", 200, null, 1000],
    ["lines=0-1", 200, null, 1000],
  ])("Range %s is answered by %d", async (range, status, contentRange, length) => {
    await put("ranged", text);
    const response = await house.fetch("/raw/ranged", { headers: { range } });
    const body = await response.text();
    expect([response.status, response.headers.get("content-range"), body.length]).toEqual([
      status,
      contentRange,
      length,
    ]);
    if (status === 206) expect(body).toBe(text.substr(Number(contentRange?.slice(6).split("-")[0]), length));
  });

  test("a range past the end is 416 and tells the size", async () => {
    await put("ranged", text);
    const response = await house.fetch("/raw/ranged", { headers: { range: "bytes=1000-" } });
    expect([response.status, response.headers.get("content-range")]).toEqual([416, "bytes */1000"]);
    expect(await codeOf(response)).toBe("range_not_satisfiable");
  });

  test("If-Range keeps parts of two versions from being put together", async () => {
    const etag = (await put("ranged", text)).headers.get("etag") ?? "";
    const headers = { range: "bytes=0-4", "if-range": etag };
    expect((await house.fetch("/raw/ranged", { headers })).status).toBe(206);
    await put("ranged", text);
    expect((await house.fetch("/raw/ranged", { headers })).status).toBe(200);
  });

  test("a large file and a large part of it are sent byte by byte as they are", async () => {
    const bytes = crypto.getRandomValues(new Uint8Array(65_536));
    const large = Buffer.concat(Array.from({ length: 64 }, (_, index) => Buffer.concat([bytes, Buffer.from([index])])));
    await put("large.bin", large);
    const whole = await house.fetch("/raw/large.bin");
    expect(whole.headers.get("content-length")).toBe(String(large.length));
    expect(whole.headers.get("content-disposition")).toBe("inline");
    expect(Bun.hash(await whole.arrayBuffer())).toBe(Bun.hash(large));
    const part = await house.fetch("/raw/large.bin", { headers: { range: "bytes=100-3000000" } });
    expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes 100-3000000/${large.length}`]);
    expect(Bun.hash(await part.arrayBuffer())).toBe(Bun.hash(large.subarray(100, 3_000_001)));
  });

  test("a large file whose If-Range is stale, or of which several ranges are asked, is sent whole", async () => {
    await put("large.bin", new Uint8Array(1_000_000));
    for (const headers of [{ range: "bytes=1-2", "if-range": '"old"' }, { range: "bytes=0-1,5-6" }]) {
      const response = await house.fetch("/raw/large.bin", { headers });
      expect([response.status, (await response.arrayBuffer()).byteLength]).toEqual([200, 1_000_000]);
    }
    const past = await house.fetch("/raw/large.bin", { headers: { range: "bytes=1000000-" } });
    expect(past.headers.get("content-range")).toBe("bytes */1000000");
  });

  test("what is not there is file_not_found, a directory is invalid_request", async () => {
    expect(await codeOf(await house.fetch("/raw/nowhere"))).toBe("file_not_found");
    await put("folder/x", "");
    expect(await codeOf(await house.fetch("/raw/folder"))).toBe("invalid_request");
    expect(await codeOf(await house.fetch("/raw/folder/x/y"))).toBe("file_not_found");
  });
});

describe("raw delete", () => {
  test("a directory that is not empty needs recursive=true", async () => {
    await put("tree/a/b", "x");
    expect(await codeOf(await house.fetch("/raw/tree", { method: "DELETE" }))).toBe("conflict");
    const response = await house.fetch("/raw/tree?recursive=true", { method: "DELETE" });
    expect(await response.json()).toEqual({ deleted: true, path: "tree" });
    expect(await codeOf(await house.fetch("/raw/tree", { method: "DELETE" }))).toBe("file_not_found");
  });

  test("a file and one of two hard links are deleted alone", async () => {
    await put("one", "x");
    linkSync(join(house.workspace, "one"), join(house.workspace, "two"));
    expect((await house.fetch("/raw/one", { method: "DELETE" })).status).toBe(200);
    expect(await (await house.fetch("/raw/two")).text()).toBe("x");
  });

  test("the workspace itself cannot be deleted", async () => {
    for (const path of ["/files?path=.&recursive=true", "/files?path=/workspace&recursive=true"]) {
      expect(await codeOf(await house.fetch(path, { method: "DELETE" }))).toBe("invalid_request");
    }
  });
});

test("a file of 600 MB goes in and out without being held in memory", async () => {
  const source = join(house.root, "source");
  await Bun.write(source, "");
  truncateSync(source, 600_000_000);
  const before = process.memoryUsage.rss();
  let peak = before;
  const sampler = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 5);
  const got = join(house.root, "got");
  // The other end is a process of its own: its memory does not count.
  const client = `const [socket, source, got] = process.argv.slice(1);
    const url = "http://x/raw/big";
    await fetch(url, { unix: socket, method: "PUT", body: Bun.file(source) });
    await Bun.write(got, await fetch(url, { unix: socket }));`;
  expect(await Bun.spawn(["bun", "-e", client, house.socket, source, got]).exited).toBe(0);
  clearInterval(sampler);
  expect([statSync(join(house.workspace, "big")).size, statSync(got).size]).toEqual([600_000_000, 600_000_000]);
  // What the collector has not come to yet, and far from the whole.
  expect(peak - before).toBeLessThan(300_000_000);
});

test("what a supervisor left unfinished when it died is swept away by the next one", async () => {
  using other = openHouse();
  const draft = `.put_${"a".repeat(32)}`;
  await other.shell(`mkdir deep; echo 1 > deep/${draft}; echo 2 > deep/kept`);
  createFileRoutes(other.config, other.disk);
  await until(() => readdirSync(join(other.workspace, "deep")).join() === "kept", "only what is whole is left");
});
