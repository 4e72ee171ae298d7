// `buntime cp` and `buntime files`: bytes that go to a session and come back are the same.
import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { platformOfRun, sharedSession } from "../support/e2e.ts";
import { buntime, folder, json } from "./command.ts";
import { startCuttingProxy } from "./cutting-proxy.ts";

const platform = platformOfRun();
const session = sharedSession(platform);
const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const WEIRD = [
  "a b",
  "ü☃.txt",
  "-rf",
  "100%25",
  "q?x=1#y",
  "back\\slash",
  "new\nline",
  "'\"$HOME`",
  "colon:name",
  "...",
];

async function cp(from: string, to: string, input: Uint8Array | string = ""): Promise<void> {
  const { code, stderr } = await buntime(["cp", "--", from, to], { input });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
}

describe("a file", () => {
  test("comes back as it went, under any name", async () => {
    const local = folder();
    mkdirSync(path.join(local, "back"));
    const contents = new Map(WEIRD.map((name, index) => [name, randomBytes(index * 1000)]));
    for (const [name, bytes] of contents) writeFileSync(path.join(local, name), bytes);
    await Promise.all(
      [...contents.keys()].slice(0, 5).map(async (name) => {
        await cp(path.join(local, name), `${session.id}:weird/`);
        await cp(`${session.id}:weird/${name}`, path.join(local, "back"));
      }),
    );
    for (const [name, bytes] of [...contents].slice(0, 5)) {
      expect({ name, digest: digest(readFileSync(path.join(local, "back", name))) }).toEqual({
        name,
        digest: digest(bytes),
      });
    }
  });

  test("comes back under the longest name that there may be", async () => {
    const local = folder();
    const name = "長".repeat(85);
    expect(Buffer.byteLength(name)).toBe(255);
    await cp("-", `${session.id}:long/${name}`, "long");
    await cp(`${session.id}:long/${name}`, local);
    expect(readdirSync(local)).toEqual([name]);
    expect(readFileSync(path.join(local, name), "utf8")).toBe("long");
  });

  test("goes in by stdin and comes out by stdout", async () => {
    const bytes = randomBytes(3 * 1024 * 1024);
    await cp("-", `${session.id}:in.bin`, bytes);
    const [copied, printed] = await Promise.all([
      buntime(["cp", `${session.id}:in.bin`, "-"]),
      buntime(["files", "cat", session.id, "in.bin"]),
    ]);
    expect(digest(copied.bytes)).toBe(digest(bytes));
    expect(digest(printed.bytes)).toBe(digest(bytes));
  });

  test("that is not there leaves nothing behind, and what was there before stays", async () => {
    const local = folder();
    writeFileSync(path.join(local, "kept"), "kept");
    const { code, stderr } = await buntime(["cp", `${session.id}:no/such/file`, path.join(local, "kept")]);
    expect({ code, hint: stderr.includes("buntime files ls") }).toEqual({ code: 1, hint: true });
    expect(readdirSync(local)).toEqual(["kept"]);
    expect(readFileSync(path.join(local, "kept"), "utf8")).toBe("kept");
  });

  test("comes back whole over connections that break", async () => {
    const bytes = randomBytes(4 * 1024 * 1024);
    const target = path.join(folder(), "whole");
    await cp("-", `${session.id}:broken.bin`, bytes);
    const proxy = await startCuttingProxy(platform.url, { afterBytes: 700_000, times: 4 });
    const env = { BUNTIME_BASE_URL: proxy.baseUrl };
    const { code, stderr } = await buntime(["cp", `${session.id}:broken.bin`, target], { env });
    expect({ code, stderr, cuts: proxy.cuts }).toEqual({ code: 0, stderr: "", cuts: 4 });
    expect(digest(readFileSync(target))).toBe(digest(bytes));
  });

  test("from nowhere to nowhere is a mistake in the command line", async () => {
    const codes = await Promise.all(
      [
        ["cp", "here", "there"],
        ["cp", `${session.id}:a`, "other:b"],
        ["cp", "no-such-file", `${session.id}:`],
        ["cp", "-", `${session.id}:`],
      ].map(async (args) => (await buntime(args)).code),
    );
    expect(codes).toEqual([2, 2, 2, 2]);
  });
});

describe("a folder", () => {
  test("comes back as it went: names, contents, modes, times, links and empty folders", async () => {
    const local = folder();
    const tree = path.join(local, "tree");
    mkdirSync(path.join(tree, "empty"), { recursive: true });
    mkdirSync(path.join(tree, "deep/er"), { recursive: true });
    for (const [index, name] of WEIRD.entries()) writeFileSync(path.join(tree, "deep", name), randomBytes(index * 500));
    writeFileSync(path.join(tree, `deep/er/${"n".repeat(200)}`), "a long name");
    writeFileSync(path.join(tree, "run.sh"), "#!/bin/sh\n");
    chmodSync(path.join(tree, "run.sh"), 0o755);
    symlinkSync("../run.sh", path.join(tree, "deep/link"));
    await cp(tree, `${session.id}:`);
    expect((await buntime(["exec", session.id, "--", "./tree/deep/link"])).code).toBe(0);
    await cp(`${session.id}:tree`, path.join(local, "back"));
    expect(describeTree(path.join(local, "back"))).toEqual(describeTree(tree));
    // Into a folder that is there, as with cp.
    await cp(`${session.id}:tree/deep/er`, local);
    expect(describeTree(path.join(local, "er"))).toEqual(describeTree(path.join(tree, "deep/er")));
  });

  test("`folder/.` goes into the workspace itself, and all of it comes out", async () => {
    const own = sharedFolder();
    const { id } = await platform.createSession();
    await cp(`${own}/.`, `${id}:`);
    const back = path.join(folder(), "back");
    await cp(`${id}:`, back);
    expect(describeTree(back)).toEqual(describeTree(own));
    await platform.request("DELETE", `/sessions/${id}`);
  });

  test("nothing from a session reaches out of the folder that it goes to", async () => {
    const outside = folder();
    const inside = folder();
    writeFileSync(path.join(outside, "secret"), "untouched");
    symlinkSync(outside, path.join(inside, "sub"));
    const line = `mkdir -p trap/sub && echo hit > trap/sub/secret && ln -s /etc/passwd trap/absolute && ln -s ../../.. trap/up && echo fine > trap/fine`;
    expect((await buntime(["exec", session.id, "-c", line])).code).toBe(0);
    const refused = await buntime(["cp", `${session.id}:trap/.`, inside]);
    expect({ code: refused.code, told: refused.stderr.includes("is no folder") }).toEqual({ code: 1, told: true });
    expect(readFileSync(path.join(outside, "secret"), "utf8")).toBe("untouched");
    const clean = path.join(folder(), "clean");
    const { code, stderr } = await buntime(["cp", `${session.id}:trap`, clean]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/absolute is left out[\s\S]*up is left out/);
    expect(readdirSync(clean).toSorted()).toEqual(["fine", "sub"]);
    expect(existsSync(path.join(clean, "absolute"))).toBe(false);
  });

  test("its links do not lead out of it by way of one another", async () => {
    const line = `mkdir -p maze/d/e && cd maze && echo fine > fine && ln -s . d/l && ln -s ../l/../../secret d/e/y && ln -s ../../fine d/e/z`;
    expect((await buntime(["exec", session.id, "-c", line])).code).toBe(0);
    const local = folder();
    writeFileSync(path.join(local, "secret"), "of this machine");
    const { code, stderr } = await buntime(["cp", `${session.id}:maze`, path.join(local, "maze")]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/^d\/e\/y is left out: [^\n]*\n$/) });
    expect(readdirSync(path.join(local, "maze/d/e"))).toEqual(["z"]);
    expect(readFileSync(path.join(local, "maze/d/e/z"), "utf8")).toBe("fine\n");
  });
});

describe("files", () => {
  test("are listed, also as JSON, and removed", async () => {
    await cp("-", `${session.id}:listed/one.txt`, "1");
    await cp("-", `${session.id}:listed/two.txt`, "22");
    const { files, total } = await json(["files", "ls", session.id, "listed"]);
    expect(files).toMatchObject([
      { path: "listed/one.txt", size: 1, type: "file" },
      { path: "listed/two.txt", size: 2, type: "file" },
    ]);
    expect(total).toBe(2);
    expect((await buntime(["files", "ls", `${session.id}:listed`])).stdout).toMatch(
      /TYPE.*\nfile +1 B .*one\.txt\n.*two/,
    );
    expect((await buntime(["files", "rm", session.id, "listed/one.txt", "listed/two.txt"])).code).toBe(0);
    expect(await json(["files", "ls", session.id, "listed"])).toEqual({ files: [], total: 0 });
    expect((await buntime(["files", "rm", "-r", session.id, "listed"])).code).toBe(0);
    expect((await buntime(["files", "ls", session.id, "listed"])).code).toBe(1);
  });
});

function sharedFolder(): string {
  const made = folder();
  mkdirSync(path.join(made, "a/b"), { recursive: true });
  writeFileSync(path.join(made, "a/b/c.txt"), "c");
  writeFileSync(path.join(made, ".hidden"), "h");
  return made;
}

/** What is in a folder, by path, as far as it is to be kept. */
function describeTree(root: string, below = ""): Record<string, unknown> {
  const described: Record<string, unknown> = {};
  for (const name of readdirSync(path.join(root, below))) {
    const relative = path.join(below, name);
    const full = path.join(root, relative);
    const stats = lstatSync(full);
    const mode = (stats.mode & 0o777).toString(8);
    const seconds = Math.floor(stats.mtimeMs / 1000);
    if (stats.isSymbolicLink()) described[relative] = { link: readlinkSync(full) };
    else if (stats.isDirectory()) Object.assign(described, { [relative]: { mode }, ...describeTree(root, relative) });
    else described[relative] = { mode, seconds, digest: digest(readFileSync(full)) };
  }
  return described;
}
