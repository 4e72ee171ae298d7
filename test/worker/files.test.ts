import { beforeAll, describe, expect, it } from "vitest";
import { FileContent, FileEntry, FileList, SearchAnswer } from "../../src/contract/files.ts";
import { ask, createSession, execute, expectProblem } from "./client.ts";

let id: string;
beforeAll(async () => {
  ({ id } = await createSession());
});

describe("files through JSON", () => {
  it("are written one or many at a time, read, moved, listed and deleted", async () => {
    const one = await ask("POST", "/files/write", { body: { sessionId: id, path: "a/one.txt", content: "é" } });
    expect(await one.json()).toEqual({ path: "a/one.txt", size: 2 });
    const files = [
      { path: "a/two", content: btoa("\xff"), encoding: "base64" },
      { path: "/workspace/a/three", content: "3" },
    ];
    const many = await ask("POST", "/files/write", { body: { sessionId: id, files } });
    expect(await many.json()).toEqual({
      files: [
        { path: "a/two", size: 1 },
        { path: "a/three", size: 1 },
      ],
    });
    const read = await ask("GET", `/files/read?sessionId=${id}&path=a/one.txt`);
    expect(FileContent.parse(await read.json())).toMatchObject({ content: "é", encoding: "utf-8", size: 2 });
    const bytes = await ask("GET", `/files/read?sessionId=${id}&path=a/two`);
    expect(FileContent.parse(await bytes.json())).toMatchObject({ content: btoa("\xff"), encoding: "base64" });
    const made = await ask("POST", "/files/mkdir", { body: { sessionId: id, path: "b/c" } });
    expect(FileEntry.parse(await made.json())).toMatchObject({ path: "b/c", type: "directory" });
    const moved = await ask("POST", "/files/move", { body: { sessionId: id, from: "a/three", to: "b/c/3" } });
    expect(FileEntry.parse(await moved.json())).toMatchObject({ path: "b/c/3" });
    const listed = FileList.parse(await (await ask("GET", `/files/list?sessionId=${id}&recursive=true`)).json());
    expect(listed.files.map((file) => file.path)).toEqual(["a", "a/one.txt", "a/two", "b", "b/c", "b/c/3"]);
    await expectProblem(await ask("DELETE", `/files?sessionId=${id}&path=b`), "conflict");
    const deleted = await ask("DELETE", `/files?sessionId=${id}&path=b&recursive=true`);
    expect(await deleted.json()).toEqual({ deleted: true, path: "b" });
    await expectProblem(await ask("GET", `/files/read?sessionId=${id}&path=b/c/3`), "file_not_found");
  });

  it("are found by what their lines hold, also where a path looks like the search", async () => {
    await ask("POST", "/files/write", { body: { sessionId: id, path: "s/x.ts", content: "one\nneedle & pin\n" } });
    const found = await ask("GET", `/sessions/${id}/files/search?q=needle+%26&glob=s/**`);
    expect(SearchAnswer.parse(await found.json()).matches).toEqual([{ path: "s/x.ts", line: 2, text: "needle & pin" }]);
    expect((await ask("PUT", `/sessions/${id}/files/search`, { body: "a file of that name" })).status).toBe(201);
  });
});

describe("files as bytes", () => {
  it("go in and out untouched, with ranges, ETags and conditions", async () => {
    const url = `/sessions/${id}/files/dir/sp%20ace%23%3F.bin`;
    const bytes = crypto.getRandomValues(new Uint8Array(65_536));
    const put = await ask("PUT", url, { body: bytes });
    expect(put.status).toBe(201);
    expect(FileEntry.parse(await put.json())).toMatchObject({ path: "dir/sp ace#?.bin", size: bytes.length });
    const whole = await ask("GET", url);
    expect(new Uint8Array(await whole.arrayBuffer())).toEqual(bytes);
    const etag = whole.headers.get("etag") ?? "";
    const part = await ask("GET", url, { headers: { range: "bytes=10-19" } });
    expect([part.status, part.headers.get("content-range")]).toEqual([206, "bytes 10-19/65536"]);
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(bytes.slice(10, 20));
    const head = await ask("HEAD", url);
    expect([head.headers.get("content-length"), await head.text()]).toEqual(["65536", ""]);
    expect((await ask("GET", url, { headers: { "if-none-match": etag } })).status).toBe(304);
    await expectProblem(await ask("GET", url, { headers: { range: "bytes=99999-" } }), "range_not_satisfiable");
    await expectProblem(
      await ask("PUT", url, { body: "x", headers: { "if-match": '"other"' } }),
      "precondition_failed",
    );
    expect((await ask("PUT", url, { body: "x", headers: { "if-match": etag } })).status).toBe(200);
    expect(await (await ask("DELETE", url)).json()).toEqual({ deleted: true, path: "dir/sp ace#?.bin" });
    expect((await ask("HEAD", url)).status).toBe(404);
  });

  it("may come as a stream of unknown length", async () => {
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    const sent = (async () => {
      for (let index = 0; index < 50; index++) {
        await writer.write(new Uint8Array(10_000).fill(index));
      }
      await writer.close();
    })();
    const put = await ask("PUT", `/sessions/${id}/files/streamed`, { body: readable });
    await sent;
    expect(FileEntry.parse(await put.json())).toMatchObject({ size: 500_000 });
  });

  it("go out and in as an archive", async () => {
    const archive = await ask("GET", `/sessions/${id}/archive`);
    expect(archive.headers.get("content-type")).toBe("application/gzip");
    const packed = new Uint8Array(await archive.arrayBuffer());
    const other = await createSession();
    const unpacked = await ask("PUT", `/sessions/${other.id}/archive`, {
      body: packed,
      headers: { "content-type": "application/gzip" },
    });
    expect(unpacked.status).toBe(200);
    expect((await execute({ sessionId: other.id, command: "cat s/x.ts" })).stdout).toBe("one\nneedle & pin\n");
  });
});
