// Files as JSON: write, read, list, move, make and delete.
import { beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { FileContent, FileDeleted, FileEntry, FileList, FilesWritten, FileWritten } from "../../src/contract/files.ts";
import { newSession, platformOfRun, problem } from "../support/e2e.ts";

const client = platformOfRun();
let sessionId = "";

beforeAll(async () => {
  sessionId = (await client.createSession()).id;
  return async () => void (await client.request("DELETE", `/sessions/${sessionId}`));
});

const write = (path: string, content: string, encoding?: "utf-8" | "base64"): Promise<FileWritten> =>
  client.ask(FileWritten, "POST", "/files/write", { sessionId, path, content, encoding });
const query = (path: string): string => new URLSearchParams({ sessionId, path }).toString();
const read = (path: string): Promise<FileContent> => client.ask(FileContent, "GET", `/files/read?${query(path)}`);
const list = (path: string, more = ""): Promise<FileList> =>
  client.ask(FileList, "GET", `/files/list?${query(path)}${more}`);

describe("write and read", () => {
  test("text comes back as it was written, and its parents are made", async () => {
    const content = "héllo\r\n\tworld \u{1f600}\n";
    const size = Buffer.byteLength(content);
    expect(await write("wr/deep/er/a.txt", content)).toEqual({ path: "wr/deep/er/a.txt", size });
    const file = await read("wr/deep/er/a.txt");
    expect(file).toMatchObject({ path: "wr/deep/er/a.txt", content, encoding: "utf-8", size });
    expect(Math.abs(Date.now() - Date.parse(file.modified))).toBeLessThan(60_000);
  });

  test("bytes that are not UTF-8 come back as base64", async () => {
    const content = Buffer.from([0, 159, 146, 150, 255]).toString("base64");
    await write("wr/raw.bin", content, "base64");
    expect(await read("wr/raw.bin")).toMatchObject({ content, encoding: "base64", size: 5 });
  });

  test("an absolute path inside the workspace is the same file", async () => {
    await write("/workspace/wr/abs.txt", "1");
    expect(await read("wr/abs.txt")).toMatchObject({ path: "wr/abs.txt", content: "1" });
  });

  test("writing again replaces, an empty file is a file, and names may hold anything but / and NUL", async () => {
    await write("wr/again.txt", "longer than the next");
    await write("wr/again.txt", "short");
    expect(await read("wr/again.txt")).toMatchObject({ content: "short", size: 5 });
    await write("wr/empty", "");
    expect(await read("wr/empty")).toMatchObject({ content: "", size: 0 });
    const name = "wr/ü %41?#&+ \n\"'\\…";
    await write(name, "odd");
    expect(await read(name)).toMatchObject({ path: name, content: "odd" });
  });

  test("many files are written in one call", async () => {
    const files = Array.from({ length: 50 }, (_, index) => ({ path: `wr/many/${index}.txt`, content: String(index) }));
    const answer = await client.ask(FilesWritten, "POST", "/files/write", { sessionId, files });
    expect(answer).toMatchObject({ files: files.map(({ path, content }) => ({ path, size: content.length })) });
    expect(await read("wr/many/49.txt")).toMatchObject({ content: "49" });
  });

  test("a program reads what was written and can change it, and the other way round", async () => {
    await write("wr/shared.txt", "from outside\n");
    await client.execute({ sessionId, command: "echo from inside >> wr/shared.txt" });
    expect(await read("wr/shared.txt")).toMatchObject({ content: "from outside\nfrom inside\n" });
  });

  test("a file over the limit of the plan is 413 and is not written", async () => {
    const json = { sessionId, path: "wr/big.txt", content: "x".repeat(50 * 1024 * 1024 + 1) };
    expect(await problem(client, "POST", "/files/write", { json })).toMatchObject({
      status: 413,
      code: "payload_too_large",
    });
    expect(await problem(client, "GET", `/files/read?${query("wr/big.txt")}`)).toMatchObject({ status: 404 });
  });

  test("more files than the plan allows in one call are refused, and none is written", async () => {
    const files = Array.from({ length: 1001 }, (_, index) => ({ path: `too-many/${index}`, content: "" }));
    expect((await problem(client, "POST", "/files/write", { json: { sessionId, files } })).status).toBeLessThan(500);
    expect(await problem(client, "GET", `/files/list?${query("too-many")}`)).toMatchObject({ status: 404 });
  });

  test("reading a file that is too large for JSON is 413, and says how to get it", async () => {
    await client.execute({ sessionId, command: "truncate -s 60M wr/large.bin" });
    const answer = await problem(client, "GET", `/files/read?${query("wr/large.bin")}`);
    expect(answer).toMatchObject({ status: 413, code: "payload_too_large" });
    await client.execute({ sessionId, command: "rm wr/large.bin" });
  });

  test("what cannot be is refused with a reason", async () => {
    const bad: readonly Record<string, unknown>[] = [
      { sessionId },
      { sessionId, path: "a" },
      { sessionId, files: [] },
      { sessionId, path: "a", content: "b", files: [{ path: "a", content: "b" }] },
      { sessionId, path: "a", content: 1 },
      { sessionId, path: "a", content: "not base64!", encoding: "base64" },
      { sessionId, path: "a", content: "b", encoding: "latin1" },
      { sessionId, path: "a", content: "b", mode: 7 },
      { path: "a", content: "b" },
    ];
    for (const json of bad) {
      const answer = await problem(client, "POST", "/files/write", { json });
      expect(answer, JSON.stringify(json)).toMatchObject({ status: 400, code: "invalid_request" });
    }
  });

  test("a file in the way of a folder, or a folder in the way of a file, is a conflict", async () => {
    await write("wr/file", "x");
    for (const path of ["wr/file/below.txt", "wr/deep"]) {
      const answer = await problem(client, "POST", "/files/write", { json: { sessionId, path, content: "y" } });
      expect(answer.status, path).toBe(409);
    }
  });

  test("a file or folder that is not there is file_not_found, and a folder is not a file", async () => {
    expect(await problem(client, "GET", `/files/read?${query("nowhere.txt")}`)).toMatchObject({
      status: 404,
      code: "file_not_found",
    });
    expect(await problem(client, "GET", `/files/list?${query("nowhere")}`)).toMatchObject({
      status: 404,
      code: "file_not_found",
    });
    expect((await problem(client, "GET", `/files/read?${query("wr")}`)).status).toBeLessThan(500);
  });

  test("a fifo neither hangs a read nor is one", async () => {
    await client.execute({ sessionId, command: "mkdir -p wr; mkfifo wr/fifo" });
    expect((await problem(client, "GET", `/files/read?${query("wr/fifo")}`)).status).toBeLessThan(500);
    expect((await list("wr")).files.find(({ path }) => path === "wr/fifo")).toMatchObject({ type: "other" });
  });
});

describe("list", () => {
  test("shows names, sizes and types of one folder, sorted", async () => {
    await client.execute({
      sessionId,
      command: "mkdir -p ls/b; echo 123 > ls/a.txt; echo 1 > ls/b/c.txt; ln -s a.txt ls/link",
    });
    const { files, total } = await list("ls");
    expect(total).toBe(3);
    expect(files.map(({ path, type }) => [path, type])).toEqual([
      ["ls/a.txt", "file"],
      ["ls/b", "directory"],
      ["ls/link", "symlink"],
    ]);
    expect(files[0]?.size).toBe(4);
  });

  test("with recursive=true shows what is below", async () => {
    expect((await list("ls", "&recursive=true")).files.map(({ path }) => path)).toContain("ls/b/c.txt");
  });

  test("goes through many a page at a time, none twice and none left out", async () => {
    await client.execute({ sessionId, command: "mkdir -p pages; cd pages; for i in $(seq 230); do : > f$i; done" });
    const seen: string[] = [];
    for (let offset = 0; offset < 300; offset += 100) {
      const page = await list("pages", `&limit=100&offset=${offset}`);
      expect(page.total).toBe(230);
      seen.push(...page.files.map(({ path }) => path));
    }
    expect(seen.length).toBe(230);
    expect(new Set(seen).size).toBe(230);
  });

  test("of the workspace leaves the platform's own folder out, unless it is asked for", async () => {
    await client.execute({ sessionId, command: "true" });
    const { files } = await client.ask(FileList, "GET", `/files/list?sessionId=${sessionId}&recursive=true`);
    expect(files.some(({ path }) => path.startsWith(".buntime"))).toBe(false);
    expect((await list(".buntime")).total).toBeGreaterThan(0);
  });
});

describe("move, mkdir, delete", () => {
  const move = (from: string, to: string, overwrite?: boolean): Record<string, unknown> => ({
    sessionId,
    from,
    to,
    overwrite,
  });

  test("a file moves to a folder that did not exist", async () => {
    await write("mv/a.txt", "1");
    expect(await client.ask(FileEntry, "POST", "/files/move", move("mv/a.txt", "mv/new/b.txt"))).toMatchObject({
      path: "mv/new/b.txt",
      size: 1,
      type: "file",
    });
    expect(await problem(client, "GET", `/files/read?${query("mv/a.txt")}`)).toMatchObject({ status: 404 });
    expect(await read("mv/new/b.txt")).toMatchObject({ content: "1" });
  });

  test("what is there is overwritten only when that is asked for", async () => {
    await write("mv/x.txt", "x");
    await write("mv/y.txt", "y");
    expect(await problem(client, "POST", "/files/move", { json: move("mv/x.txt", "mv/y.txt") })).toMatchObject({
      status: 409,
      code: "conflict",
    });
    expect(await read("mv/y.txt")).toMatchObject({ content: "y" });
    await client.ask(FileEntry, "POST", "/files/move", move("mv/x.txt", "mv/y.txt", true));
    expect(await read("mv/y.txt")).toMatchObject({ content: "x" });
  });

  test("a folder does not move into itself, and nothing does not move", async () => {
    await write("mv/dir/a.txt", "1");
    expect((await problem(client, "POST", "/files/move", { json: move("mv/dir", "mv/dir/in") })).status).toBeLessThan(
      500,
    );
    expect(await problem(client, "POST", "/files/move", { json: move("mv/none", "mv/some") })).toMatchObject({
      status: 404,
    });
    expect(await read("mv/dir/a.txt")).toMatchObject({ content: "1" });
  });

  test("a folder is made with its parents, and one that is there is fine", async () => {
    for (let round = 0; round < 2; round++) {
      expect(await client.ask(FileEntry, "POST", "/files/mkdir", { sessionId, path: "mk/a/b" })).toMatchObject({
        path: "mk/a/b",
        type: "directory",
      });
    }
    await write("mk/file", "x");
    expect(await problem(client, "POST", "/files/mkdir", { json: { sessionId, path: "mk/file" } })).toMatchObject({
      status: 409,
    });
  });

  test("a file is deleted, a folder only with recursive=true", async () => {
    await write("rm/dir/a.txt", "1");
    await write("rm/b.txt", "1");
    expect(await client.ask(FileDeleted, "DELETE", `/files?${query("rm/b.txt")}`)).toEqual({
      deleted: true,
      path: "rm/b.txt",
    });
    expect(await problem(client, "DELETE", `/files?${query("rm/b.txt")}`)).toMatchObject({
      status: 404,
      code: "file_not_found",
    });
    expect(await problem(client, "DELETE", `/files?${query("rm/dir")}`)).toMatchObject({
      status: 409,
      code: "conflict",
    });
    await client.ask(FileDeleted, "DELETE", `/files?${query("rm/dir")}&recursive=true`);
    expect((await list("rm")).total).toBe(0);
  });

  test("the workspace itself cannot be deleted, moved or replaced", async () => {
    for (const path of ["/workspace", ".", "rm/.."]) {
      const deleted = await problem(client, "DELETE", `/files?${query(path)}&recursive=true`);
      expect(deleted.status, path).toBeLessThan(500);
      expect(
        (await problem(client, "POST", "/files/move", { json: move(path, "elsewhere") })).status,
        path,
      ).toBeLessThan(500);
    }
    expect(await client.execute({ sessionId, command: "echo here" })).toMatchObject({ stdout: "here\n" });
  });

  test("a link is deleted, not what it points to", async () => {
    await client.execute({ sessionId, command: "mkdir -p ln; echo 1 > ln/target; ln -s target ln/link" });
    await client.ask(FileDeleted, "DELETE", `/files?${query("ln/link")}`);
    expect(await read("ln/target")).toMatchObject({ content: "1\n" });
  });
});

describe("paths that lead out", () => {
  const ESCAPES = [
    "..",
    "../x",
    "a/../../x",
    "/etc/passwd",
    "/",
    "/workspace/../etc/passwd",
    "/workspacex/a",
    "x\0y",
    "",
  ];

  test.each(ESCAPES)("%j is invalid_request everywhere", async (path) => {
    const json = { sessionId, path, content: "x" };
    const answers = await Promise.all([
      problem(client, "POST", "/files/write", { json }),
      problem(client, "POST", "/files/mkdir", { json: { sessionId, path } }),
      problem(client, "POST", "/files/move", { json: { sessionId, from: path, to: "here" } }),
      problem(client, "POST", "/files/move", { json: { sessionId, from: "wr", to: path } }),
      problem(client, "GET", `/files/read?${query(path)}`),
      problem(client, "GET", `/files/list?${query(path)}`),
      problem(client, "DELETE", `/files?${query(path)}&recursive=true`),
    ]);
    for (const answer of answers) expect(answer).toMatchObject({ status: 400, code: "invalid_request" });
  });

  test("a link that leads out is not followed, by no call", async () => {
    await client.execute({
      sessionId,
      command: "mkdir -p out; ln -sfn /etc out/etc; ln -sfn /etc/hostname out/host; ln -sfn ../../.. out/up",
    });
    for (const path of ["out/etc/passwd", "out/host", "out/up/etc/passwd"]) {
      const answers = await Promise.all([
        problem(client, "GET", `/files/read?${query(path)}`),
        problem(client, "POST", "/files/write", { json: { sessionId, path, content: "x" } }),
        problem(client, "GET", `/sessions/${sessionId}/files/${path}`),
        problem(client, "PUT", `/sessions/${sessionId}/files/${path}`, { body: "x" }),
      ]);
      for (const answer of answers) expect(answer, path).toMatchObject({ status: 400, code: "invalid_request" });
    }
    expect(await problem(client, "GET", `/files/list?${query("out/etc")}`)).toMatchObject({ status: 400 });
  });

  test("a link inside the workspace is followed", async () => {
    await client.execute({
      sessionId,
      command: "mkdir -p in/real; echo 1 > in/real/a.txt; ln -sfn real in/link; ln -sfn /workspace/in/real in/abs",
    });
    for (const path of ["in/link/a.txt", "in/abs/a.txt"]) expect(await read(path)).toMatchObject({ content: "1\n" });
  });

  test("links that go round in circles are an error, not a hang", async () => {
    await client.execute({
      sessionId,
      command: "mkdir -p loop; ln -sfn b loop/a; ln -sfn a loop/b; ln -sfn . loop/self",
    });
    expect((await problem(client, "GET", `/files/read?${query("loop/a")}`)).status).toBeLessThan(500);
    expect((await list("loop", "&recursive=true")).total).toBe(3);
  });

  test("a path of thousands of parts or with an endless name is an error", async () => {
    for (const path of ["a/".repeat(3000) + "x", "n".repeat(300), "p".repeat(5000)]) {
      const answer = await problem(client, "POST", "/files/write", { json: { sessionId, path, content: "x" } });
      expect(answer.status).toBeLessThan(500);
    }
  });

  test("the platform's own records cannot be changed from outside the session's reach", async () => {
    const other = await newSession(client);
    const list = await client.ask(z.object({ total: z.number() }), "GET", `/files/list?sessionId=${other.id}&path=.`);
    expect(list.total).toBe(0);
  });
});
