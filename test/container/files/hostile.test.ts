// Paths and links that want to lead out of the workspace, and files that want to hold the supervisor up.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { codeOf, openHouse, post, until, type House } from "./house.ts";

let house: House;
let outside: string;
beforeAll(() => {
  house = openHouse();
  outside = join(house.root, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "secret"), "SECRET");
  symlinkSync(outside, join(house.workspace, "out"));
  symlinkSync(join(outside, "secret"), join(house.workspace, "secret"));
  symlinkSync("../outside/new", join(house.workspace, "dangling"));
});
afterAll(() => house[Symbol.dispose]());

const write = (path: string): Promise<Response> =>
  house.fetch("/files/write", post({ files: [{ path, content: "x" }] }));

describe("a path that leads out", () => {
  test.each([
    "../outside/secret",
    "a/../../outside/secret",
    "/etc/passwd",
    "/workspace/../etc/passwd",
    "/",
    "/workspacex",
  ])("%s is invalid_request whatever is asked", async (path) => {
    const query = encodeURIComponent(path);
    expect(await codeOf(await house.fetch(`/files/read?path=${query}`))).toBe("invalid_request");
    expect(await codeOf(await house.fetch(`/files/list?path=${query}`))).toBe("invalid_request");
    expect(await codeOf(await house.fetch(`/files?path=${query}`, { method: "DELETE" }))).toBe("invalid_request");
    expect(await codeOf(await house.fetch(`/raw/${query}`))).toBe("invalid_request");
    expect(await codeOf(await write(path))).toBe("invalid_request");
    expect(await codeOf(await house.fetch("/files/mkdir", post({ path })))).toBe("invalid_request");
    expect(await codeOf(await house.fetch("/files/move", post({ from: path, to: "y" })))).toBe("invalid_request");
  });

  test.each(["", "a\0b", "\ud800", "x".repeat(5000), `${"n".repeat(256)}/x`])(
    "a malformed one is invalid_request",
    async (path) => {
      expect(await codeOf(await write(path))).toBe("invalid_request");
    },
  );

  test("bad percent-encoding is invalid_request", async () => {
    expect(await codeOf(await house.fetch("/raw/%ff"))).toBe("invalid_request");
    expect(await codeOf(await house.fetch("/raw/a%00b"))).toBe("invalid_request");
  });
});

describe("a link that leads out", () => {
  test("is neither read, listed nor written through", async () => {
    for (const path of ["secret", "out/secret"]) {
      expect(await codeOf(await house.fetch(`/files/read?path=${path}`))).toBe("invalid_request");
      expect(await codeOf(await house.fetch(`/raw/${path}`))).toBe("invalid_request");
      expect(await codeOf(await write(path))).toBe("invalid_request");
    }
    expect(await codeOf(await house.fetch("/files/list?path=out"))).toBe("invalid_request");
    expect(await codeOf(await house.fetch("/files/mkdir", post({ path: "out/made" })))).toBe("invalid_request");
    expect(await codeOf(await house.fetch("/files?path=out/secret", { method: "DELETE" }))).toBe("invalid_request");
    expect(await codeOf(await write("dangling"))).toBe("invalid_request");
    expect(readFileSync(join(outside, "secret"), "utf8")).toBe("SECRET");
    expect(existsSync(join(outside, "new"))).toBe(false);
  });

  test("is listed as what it is and deleted alone", async () => {
    symlinkSync(outside, join(house.workspace, "doomed"));
    const list = await (await house.fetch("/files/list?recursive=true&limit=100")).text();
    expect(list).toContain('"path":"doomed"');
    expect(list).not.toContain("doomed/secret");
    expect((await house.fetch("/files?path=doomed&recursive=true", { method: "DELETE" })).status).toBe(200);
    expect(existsSync(join(outside, "secret"))).toBe(true);
  });

  test("is followed when it stays inside, and a write through it keeps the link", async () => {
    await write("real/file");
    symlinkSync("real/file", join(house.workspace, "alias"));
    symlinkSync("real", join(house.workspace, "folder"));
    expect((await house.fetch("/raw/alias", { method: "PUT", body: "through" })).status).toBe(200);
    expect(readFileSync(join(house.workspace, "real/file"), "utf8")).toBe("through");
    expect(await (await house.fetch("/raw/folder/file")).text()).toBe("through");
    expect(await (await house.fetch("/files/list?path=folder")).json()).toMatchObject({
      files: [{ path: "folder/file" }],
    });
  });

  test("never shows a byte from outside while it is being swapped", async () => {
    mkdirSync(join(house.workspace, "inside"));
    writeFileSync(join(house.workspace, "inside/secret"), "public");
    symlinkSync("inside", join(house.workspace, "swap"));
    // In a process of its own, so that it happens between any two system calls.
    const swap = `const { renameSync, symlinkSync } = require("node:fs");
      const [at, outside] = process.argv.slice(1);
      const point = (target) => { symlinkSync(target, at + "/next"); renameSync(at + "/next", at + "/swap"); };
      console.log("begun");
      for (;;) { point(outside); point("inside"); }`;
    const swapper = Bun.spawn([process.execPath, "-e", swap, house.workspace, outside], { stdout: "pipe" });
    await swapper.stdout.getReader().read();
    const statuses = new Set<number>();
    for (let round = 0; round < 150; round++) {
      const responses = await Promise.all([
        house.fetch("/raw/swap/secret"),
        house.fetch("/files/read?path=swap/secret"),
        house.fetch("/files/search?q=E"),
        house.fetch("/files/list?recursive=true&limit=100"),
        house.fetch("/raw/swap/planted", { method: "PUT", body: "x" }),
        house.fetch("/files?path=swap/planted&recursive=true", { method: "DELETE" }),
      ]);
      for (const response of responses) {
        statuses.add(response.status);
        const text = await response.text();
        expect(text).not.toContain("SECRET");
        expect(text).not.toContain("internal_error");
      }
      expect(existsSync(join(outside, "planted"))).toBe(false);
    }
    swapper.kill("SIGKILL");
    await swapper.exited;
    expect(statuses.has(200)).toBe(true);
    expect(readFileSync(join(outside, "secret"), "utf8")).toBe("SECRET");
  });
});

describe("a file that is none", () => {
  test("a FIFO, a socket and a device answer at once", async () => {
    await house.shell(
      `mkfifo fifo; ln -s /dev/zero zero; bun -e 'require("net").createServer().listen("sock", () => process.exit())'; mkfifo -m 666 busy`,
    );
    for (const path of ["fifo", "zero"]) {
      expect(await codeOf(await house.fetch(`/raw/${path}`))).toBe("invalid_request");
      expect(await codeOf(await house.fetch(`/files/read?path=${path}`))).toBe("invalid_request");
      expect((await write(path)).status).toBeGreaterThanOrEqual(400);
    }
    expect((await house.fetch("/files/search?q=x")).status).toBe(200);
    expect((await house.fetch("/files?path=fifo", { method: "DELETE" })).status).toBe(200);
  });

  test("a name that is not UTF-8 does no harm", async () => {
    await house.shell(
      `printf x > "$(printf 'bad\\377name')"; mkdir "$(printf 'dir\\376')"; printf y > "$(printf 'dir\\376')/f"`,
    );
    expect((await house.fetch("/files/list?recursive=true")).status).toBe(200);
    expect((await house.fetch("/files/search?q=x")).status).toBe(200);
    expect((await house.fetch("/archive")).status).toBe(200);
    expect((await house.routes.stats()).filesCount).toBeGreaterThan(0);
  });

  test("files closed by their permissions are forbidden, not an error", async () => {
    await house.shell("printf x > closed; chmod 000 closed; mkdir locked; printf x > locked/f; chmod 500 locked");
    expect(await codeOf(await house.fetch("/raw/closed"))).toBe("forbidden");
    expect(await codeOf(await write("locked/g"))).toBe("forbidden");
    expect(await codeOf(await house.fetch("/files?path=locked&recursive=true", { method: "DELETE" }))).toBe(
      "forbidden",
    );
    expect((await house.fetch("/files?path=closed", { method: "DELETE" })).status).toBe(200);
  });

  test("a directory that moves while it is being written to takes its file along", async () => {
    await house.shell("mkdir moving");
    const socket = connect(house.socket);
    socket.write("PUT /raw/moving/file HTTP/1.1\r\nhost: x\r\ncontent-length: 11\r\n\r\nbegun ");
    await until(async () => (await house.shell("ls -A moving")).includes(".put_"), "the upload has begun");
    renameSync(join(house.workspace, "moving"), join(house.workspace, "moved"));
    symlinkSync(outside, join(house.workspace, "moving"));
    socket.write("ended");
    await until(() => existsSync(join(house.workspace, "moved/file")), "the upload has ended");
    socket.destroy();
    expect(readFileSync(join(house.workspace, "moved/file"), "utf8")).toBe("begun ended");
    expect(existsSync(join(outside, "file"))).toBe(false);
    unlinkSync(join(house.workspace, "moving"));
  });
});
