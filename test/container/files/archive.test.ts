// The workspace as .tar.gz: what goes out comes in again, and what must not come in does not.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { codeOf, isRoot, modeOf, openHouse, ownerOf, until, type House } from "./house.ts";

let house: House;
beforeEach(() => void (house = openHouse()));
afterEach(() => house[Symbol.dispose]());

interface Entry {
  readonly name: string;
  readonly type?: string;
  readonly content?: string;
  readonly link?: string;
  readonly size?: number;
}

/** Whatever a hostile client may think of; real tar programs refuse to write most of it. */
function archive(entries: readonly Entry[]): Uint8Array<ArrayBuffer> {
  const blocks = entries.flatMap(({ name, type = "0", content = "", link = "", size }) => {
    const data = Buffer.from(content);
    const header = Buffer.alloc(512);
    header.write(name, 0, 100);
    header.write("0000644\0", 100);
    header.write(`${(size ?? data.length).toString(8).padStart(11, "0")}\0`, 124);
    header.write("00000000000\0", 136);
    header.write(type, 156);
    header.write(link, 157, 100);
    header.write("ustar\x0000", 257);
    const sum = header.reduce((total, byte) => total + byte, 8 * 0x20);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return [header, data, Buffer.alloc((512 - (data.length % 512)) % 512)];
  });
  return Bun.gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

/** Names of the programs whose current directory it is. */
function programsIn(directory: string): string[] {
  return readdirSync("/proc").flatMap((pid) => {
    try {
      if (readlinkSync(`/proc/${pid}/cwd`) !== directory) return [];
      return [readFileSync(`/proc/${pid}/comm`, "utf8").trim()];
    } catch {
      return [];
    }
  });
}

const put = (body: Uint8Array<ArrayBuffer> | string): Promise<Response> =>
  house.fetch("/archive", { method: "PUT", body });

describe("out and in again", () => {
  test("names, links, empty directories, modes and times survive; .buntime and running code stay behind", async () => {
    const long = `${"long/".repeat(40)}${"ü".repeat(100)}.txt`;
    await house.shell(`
      mkdir -p "ünïcødé ☃" empty .buntime/x sub/.buntime; printf hello > "ünïcødé ☃/a b"; touch .buntime/x/y sub/.buntime/kept
      printf '#!/bin/sh' > run; chmod 755 run; touch -d 2001-02-03T04:05:06Z run; touch .exe_0123456789abcdefghij.ts
      ln -s run link; ln -s "../ünïcødé ☃" sub/up; ln run hard; mkdir closed; printf x > closed/in; chmod 555 closed
      mkfifo fifo; mkdir -p "$(dirname "${long}")"; printf long > "${long}"; head -c 3000000 /dev/zero > zeros`);
    const response = await house.fetch("/archive");
    expect(response.headers.get("content-type")).toBe("application/gzip");
    const bytes = new Uint8Array(await response.arrayBuffer());

    using other = openHouse();
    const answer = await other.fetch("/archive", { method: "PUT", body: bytes });
    expect(answer.status).toBe(200);
    const inside = (path: string): string => join(other.workspace, path);
    expect(readFileSync(inside("ünïcødé ☃/a b"), "utf8")).toBe("hello");
    expect(readFileSync(inside(long), "utf8")).toBe("long");
    expect(lstatSync(inside("empty")).isDirectory()).toBe(true);
    expect([modeOf(inside("run")), modeOf(inside("closed"))]).toEqual([0o755, 0o555]);
    expect(lstatSync(inside("run")).mtime.toISOString()).toBe("2001-02-03T04:05:06.000Z");
    expect(readlinkSync(inside("link"))).toBe("run");
    expect(readFileSync(inside("sub/up/a b"), "utf8")).toBe("hello");
    expect(lstatSync(inside("hard")).ino).toBe(lstatSync(inside("run")).ino);
    expect(readFileSync(inside("zeros")).equals(Buffer.alloc(3_000_000))).toBe(true);
    expect(existsSync(inside("sub/.buntime/kept"))).toBe(true);
    expect([existsSync(inside(".buntime")), existsSync(inside(".exe_0123456789abcdefghij.ts"))]).toEqual([
      false,
      false,
    ]);
    if (isRoot) expect([ownerOf(inside("run")), ownerOf(inside("link"))]).toEqual([1000, 1000]);
    const listed = await (await other.fetch("/files/list?recursive=true")).json();
    expect(await answer.json()).toMatchObject({ files: (listed as { total: number }).total });
    await other.shell("chmod 755 closed");
  });

  test("pax archives with long names are understood", async () => {
    const long = `${"p".repeat(200)}/${"☃".repeat(80)}`;
    await house.shell(
      `mkdir ${"p".repeat(200)}; printf x > "${long}"; tar --format=posix -czf /tmp/$$.tgz . && mv /tmp/$$.tgz out.tgz`,
    );
    using other = openHouse();
    const body = new Uint8Array(readFileSync(join(house.workspace, "out.tgz")));
    expect((await other.fetch("/archive", { method: "PUT", body })).status).toBe(200);
    expect(readFileSync(join(other.workspace, long), "utf8")).toBe("x");
  });

  test("files replace files, what else is there stays", async () => {
    writeFileSync(join(house.workspace, "stays"), "1");
    writeFileSync(join(house.workspace, "file"), "old");
    symlinkSync("stays", join(house.workspace, "link"));
    const answer = await put(
      archive([
        { name: "file", content: "new" },
        { name: "link", content: "own" },
      ]),
    );
    expect(await answer.json()).toEqual({ files: 2 });
    expect(["stays", "file", "link"].map((name) => readFileSync(join(house.workspace, name), "utf8"))).toEqual([
      "1",
      "new",
      "own",
    ]);
  });

  test("a client that goes away ends the packing", async () => {
    await house.shell("head -c 50000000 /dev/urandom > big");
    const packing = (): boolean => programsIn(house.workspace).includes("tar");
    const client = connect(house.socket);
    client.pause();
    client.write("GET /archive HTTP/1.1\r\nhost: x\r\n\r\n");
    await until(packing, "tar runs");
    client.destroy();
    await until(() => !packing() && !programsIn(house.workspace).includes("gzip"), "tar and gzip have ended");
  });
});

describe("an archive that is an attack", () => {
  test.each<[string, Entry[]]>([
    ["an absolute name", [{ name: "/tmp/buntime-evil", content: "x" }]],
    ["a name that climbs out", [{ name: "../buntime-evil", content: "x" }]],
    ["a name that climbs out later", [{ name: "a/../../buntime-evil", content: "x" }]],
    ["a link that leads out", [{ name: "evil", type: "2", link: "/etc" }]],
    ["a relative link that leads out", [{ name: "a/evil", type: "2", link: "../../x" }]],
    ["a hard link to a file outside", [{ name: "evil", type: "1", link: "/etc/passwd" }]],
    ["a hard link that climbs out", [{ name: "evil", type: "1", link: "../outside" }]],
  ])("%s is invalid_request", async (_what, entries) => {
    expect(await codeOf(await put(archive(entries)))).toBe("invalid_request");
    expect(existsSync("/tmp/buntime-evil")).toBe(false);
    expect(existsSync(join(house.root, "buntime-evil"))).toBe(false);
    expect(lstatSync(join(house.workspace, "evil"), { throwIfNoEntry: false })).toBeUndefined();
  });

  test("nothing is written through a link that was there before", async () => {
    mkdirSync(join(house.root, "outside"));
    symlinkSync(join(house.root, "outside"), join(house.workspace, "out"));
    expect(await codeOf(await put(archive([{ name: "out/x", content: "x" }])))).toBe("invalid_request");
    expect(await codeOf(await put(archive([{ name: "out", type: "5" }])))).toBe("invalid_request");
    expect(existsSync(join(house.root, "outside/x"))).toBe(false);
  });

  test("devices and FIFOs are left out", async () => {
    const entries = [
      { name: "null", type: "3" },
      { name: "fifo", type: "6" },
      { name: "file", content: "x" },
    ];
    expect(await (await put(archive(entries))).json()).toEqual({ files: 1 });
    expect(existsSync(join(house.workspace, "null"))).toBe(false);
  });

  test("what is no archive, or half of one, is invalid_request", async () => {
    const whole = archive([{ name: "a", content: "x".repeat(5000) }]);
    const plain = Bun.gunzipSync(whole);
    const broken = Buffer.from(plain);
    broken[0] = 0x7a;
    const bodies = [
      "",
      "no archive",
      whole.slice(0, whole.length - 12),
      whole.slice(0, 15),
      Bun.gzipSync("no tar".repeat(500)),
      Bun.gzipSync(plain.slice(0, 2048)),
      Bun.gzipSync(new Uint8Array(broken)),
      archive([{ name: "a", type: "Z" }]),
      archive([{ name: "a", type: "L", size: 1_000_000 }]),
    ];
    for (const body of bodies) expect(await codeOf(await put(body))).toBe("invalid_request");
    expect((await house.shell("ls -A | grep put_")).trim()).toBe("");
  });

  test("a bomb is disk_full, and the file that would not fit is not there", async () => {
    using small = openHouse({ diskBytes: 20_000_000 });
    const body = archive([{ name: "zeros", content: "\0".repeat(60_000_000) }]);
    expect(body.length).toBeLessThan(100_000);
    expect(await codeOf(await small.fetch("/archive", { method: "PUT", body }))).toBe("disk_full");
    expect(await small.shell("ls -A")).toBe("");
  });
});
