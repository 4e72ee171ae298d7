// Files as JSON: read, write, list, move, mkdir, search.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FileContent, FileList, SearchAnswer } from "../../../src/contract/files.ts";
import { codeOf, openHouse, ownerOf, post, isRoot, type House } from "./house.ts";

let house: House;
beforeAll(() => void (house = openHouse()));
afterAll(() => house[Symbol.dispose]());

const write = (files: Record<string, string>): Promise<Response> =>
  house.fetch("/files/write", post({ files: Object.entries(files).map(([path, content]) => ({ path, content })) }));
async function list(query: string): Promise<FileList> {
  // SAFETY: the shape is what the tests below look at.
  return (await (await house.fetch(`/files/list?${query}`)).json()) as FileList;
}
async function search(query: Record<string, string>): Promise<SearchAnswer> {
  const response = await house.fetch(`/files/search?${new URLSearchParams(query).toString()}`);
  // SAFETY: as above.
  return (await response.json()) as SearchAnswer;
}
const paths = (answer: FileList): string[] => answer.files.map(({ path }) => path);

describe("write and read", () => {
  test("several files are written with their parents, by absolute and relative path", async () => {
    const response = await write({ "/workspace/w/a.txt": "héllo", "w/deep/b.txt": "" });
    expect(await response.json()).toEqual({
      files: [
        { path: "w/a.txt", size: 6 },
        { path: "w/deep/b.txt", size: 0 },
      ],
    });
    if (isRoot) expect(ownerOf(join(house.workspace, "w/deep/b.txt"))).toBe(1000);
  });

  test("text comes back as utf-8, other bytes as base64, both exact", async () => {
    const bytes = Buffer.from([0, 255, 1, 128]).toString("base64");
    await house.fetch("/files/write", post({ files: [{ path: "bytes", content: bytes, encoding: "base64" }] }));
    await write({ text: "\ufeffline\r\n\0☃" });
    // SAFETY: compared just below.
    const read = async (path: string): Promise<FileContent> =>
      (await (await house.fetch(`/files/read?path=${path}`)).json()) as FileContent;
    expect(await read("bytes")).toMatchObject({ path: "bytes", content: bytes, encoding: "base64", size: 4 });
    expect(await read("text")).toMatchObject({ content: "\ufeffline\r\n\0☃", encoding: "utf-8" });
  });

  test("one bad path among several and nothing is written", async () => {
    expect(await codeOf(await write({ "half.txt": "x", "../bad": "y" }))).toBe("invalid_request");
    expect(await codeOf(await house.fetch("/files/read?path=half.txt"))).toBe("file_not_found");
  });

  test("a file too large for JSON is payload_too_large and told to be read raw", async () => {
    await house.shell("truncate -s 60000000 huge");
    expect(await codeOf(await house.fetch("/files/read?path=huge"))).toBe("payload_too_large");
    await house.shell("rm huge");
  });
});

describe("list", () => {
  beforeAll(async () => {
    await write({ "l/b/x": "12", "l/a": "1", "l/b-c": "", "l/b.d/y": "" });
    await house.shell("ln -s a l/link; mkdir l/empty; mkdir -p .buntime/executions; touch .buntime/executions/e");
  });

  test("is sorted by path and tells type and size", async () => {
    const answer = await list("path=l");
    expect(answer.files.map(({ path, type, size }) => [path, type, size])).toEqual([
      ["l/a", "file", 1],
      ["l/b", "directory", 0],
      ["l/b-c", "file", 0],
      ["l/b.d", "directory", 0],
      ["l/empty", "directory", 0],
      ["l/link", "symlink", 1],
    ]);
    expect(answer.total).toBe(6);
  });

  test("recursive goes down, in the order of the whole paths", async () => {
    const all = paths(await list("path=l&recursive=true"));
    expect(all).toEqual(["l/a", "l/b", "l/b-c", "l/b.d", "l/b.d/y", "l/b/x", "l/empty", "l/link"]);
    expect(all).toEqual(all.toSorted());
  });

  test("pages neither lose nor repeat an entry", async () => {
    const pages = await Promise.all([0, 3, 6].map((offset) => list(`path=l&recursive=true&limit=3&offset=${offset}`)));
    expect(pages.flatMap(paths)).toEqual(paths(await list("path=l&recursive=true")));
    expect(pages.map(({ total }) => total)).toEqual([8, 8, 8]);
  });

  test(".buntime is left out unless asked for by its path, running code always", async () => {
    writeFileSync(join(house.workspace, ".exe_0123456789abcdefghij.tsx"), "");
    const all = paths(await list("recursive=true&limit=100"));
    expect(all.filter((path) => path.includes(".buntime") || path.includes(".exe_"))).toEqual([]);
    expect(paths(await list("path=.buntime&recursive=true"))).toEqual([".buntime/executions", ".buntime/executions/e"]);
  });

  test("what is not there is file_not_found, a file is invalid_request", async () => {
    expect(await codeOf(await house.fetch("/files/list?path=nowhere"))).toBe("file_not_found");
    expect(await codeOf(await house.fetch("/files/list?path=l/a"))).toBe("invalid_request");
  });
});

describe("move and mkdir", () => {
  test("a move makes parents, and replaces only when told to", async () => {
    await write({ "m/from": "1", "m/other": "2" });
    const moved = await house.fetch("/files/move", post({ from: "m/from", to: "m/new/to", overwrite: false }));
    expect(await moved.json()).toMatchObject({ path: "m/new/to", size: 1, type: "file" });
    const again = { from: "m/other", to: "m/new/to" };
    expect(await codeOf(await house.fetch("/files/move", post({ ...again, overwrite: false })))).toBe("conflict");
    expect((await house.fetch("/files/move", post({ ...again, overwrite: true }))).status).toBe(200);
    expect(await (await house.fetch("/raw/m/new/to")).text()).toBe("2");
    expect(await codeOf(await house.fetch("/files/move", post({ ...again, overwrite: true })))).toBe("file_not_found");
    const into = { from: "m", to: "m/new/deeper", overwrite: false };
    expect(await codeOf(await house.fetch("/files/move", post(into)))).toBe("invalid_request");
  });

  test("mkdir makes parents and does not mind one that is there", async () => {
    for (let time = 0; time < 2; time++) {
      const response = await house.fetch("/files/mkdir", post({ path: "d/e/f" }));
      expect([response.status, await response.json()]).toMatchObject([200, { path: "d/e/f", type: "directory" }]);
    }
    await write({ "d/file": "" });
    expect(await codeOf(await house.fetch("/files/mkdir", post({ path: "d/file" })))).toBe("conflict");
    expect(await codeOf(await house.fetch("/files/mkdir", post({ path: "d/file/x" })))).toBe("conflict");
  });

  test("deleting tells what was deleted", async () => {
    const response = await house.fetch("/files?path=/workspace/d&recursive=true", { method: "DELETE" });
    expect(await response.json()).toEqual({ deleted: true, path: "d" });
  });

  test("a method that a route does not have is method_not_allowed, another route is nobody's", async () => {
    expect(await codeOf(await house.fetch("/files/list", { method: "POST" }))).toBe("method_not_allowed");
    expect(house.routes.handle(new Request("http://x/health"), new URL("http://x/health"))).toBeNull();
  });
});

describe("search", () => {
  beforeAll(async () => {
    await write({
      "s/one.ts": "first\nthe needle here\r\nneedle needle\n",
      "s/two.md": "no\nneedle",
      "s/node_modules/p/i.js": "needle",
      ".buntime/executions/e": "needle",
      "s/binary": "needle\0",
    });
  });

  test("finds lines, once each, with their numbers, sorted by path", async () => {
    expect(await search({ q: "needle" })).toEqual({
      matches: [
        { path: "s/one.ts", line: 2, text: "the needle here" },
        { path: "s/one.ts", line: 3, text: "needle needle" },
        { path: "s/two.md", line: 2, text: "needle" },
      ],
      truncated: false,
    });
  });

  test("a glob narrows it, and opens what is left out when it names it", async () => {
    expect((await search({ q: "needle", glob: "**/*.md" })).matches.map(({ path }) => path)).toEqual(["s/two.md"]);
    const named = await search({ q: "needle", glob: "**/node_modules/**/*.js" });
    expect(named.matches.map(({ path }) => path)).toEqual(["s/node_modules/p/i.js"]);
    expect((await search({ q: "needle", glob: ".buntime/**" })).matches).toHaveLength(1);
  });

  test("says when there is more than was asked for", async () => {
    const answer = await search({ q: "needle", limit: "2" });
    expect([answer.matches.length, answer.truncated]).toEqual([2, true]);
  });

  test("a line without end is quoted around the match and found across pieces", async () => {
    const far = 256 * 1024 + 2;
    await write({ "long/line": `${"é".repeat(far)}☃target${"é".repeat(far)}\nnext target` });
    const { matches } = await search({ q: "target", glob: "long/*" });
    expect(matches.map(({ line }) => line)).toEqual([1, 2]);
    const quoted = matches[0]?.text ?? "";
    expect(quoted).toContain("☃target");
    expect(Buffer.byteLength(quoted)).toBeLessThanOrEqual(512);
    expect(quoted).not.toContain("\ufffd");
    for (let shift = 0; shift < 12; shift++) {
      await write({ "long/line": `${"x".repeat(256 * 1024 - 6 + shift)}target\nb` });
      expect((await search({ q: "target", glob: "long/*" })).matches).toHaveLength(1);
    }
  });

  test("a text with a newline is in no line", async () => {
    expect(await search({ q: "first\nthe" })).toEqual({ matches: [], truncated: false });
  });
});

test("counts regular files without the supervisor's own, and the bytes that all occupy", async () => {
  using other = openHouse();
  await other.shell("mkdir -p a .buntime/x; printf 1 > a/1; ln a/1 a/2; ln -s 1 a/3; printf 4 > .buntime/x/4");
  const stats = await other.routes.stats();
  expect(stats.filesCount).toBe(2);
  expect(stats.diskUsed).toBeGreaterThan(0);
  expect(readdirSync(other.workspace).toSorted()).toEqual([".buntime", "a"]);
});
