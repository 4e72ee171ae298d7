// What we write as tar, real tar unpacks as it was meant.
import { afterAll, beforeAll, expect, test } from "bun:test";
import * as fc from "fast-check";
import { lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readTar } from "../../../src/lib/files/tar-reader.ts";
import { tarEnd, tarHeader, tarPadding, type TarHeader } from "../../../src/lib/files/tar-writer.ts";

let root: string;
beforeAll(() => void (root = mkdtempSync(join(tmpdir(), "buntime-tar-"))));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const bytes = (byteString: string): Buffer => Buffer.from(byteString, "latin1");

/** Byte strings that Linux takes as names. */
const nameOf = (maxLength: number): fc.Arbitrary<string> =>
  fc
    .array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength })
    .map((codes) => String.fromCharCode(...codes).replaceAll("/", "_"))
    .filter((name) => name !== "." && name !== "..");

const header = (given: Partial<TarHeader> & Pick<TarHeader, "name" | "type">): Uint8Array =>
  tarHeader({ mode: 0o644, owner: 1000, modifiedSeconds: 1_700_000_000, ...given });

/** Unpacks, and gives the directory as bytes of its path. */
function unpack(parts: readonly Uint8Array[]): string {
  const directory = mkdtempSync(join(root, "out-"));
  const { exitCode, stderr } = Bun.spawnSync(
    [
      "tar",
      "--extract",
      "--preserve-permissions",
      "--no-same-owner",
      "--warning=no-timestamp",
      "--delay-directory-restore",
    ],
    { cwd: directory, stdin: Buffer.concat([...parts, tarEnd()]), env: { PATH: "/usr/bin:/bin", LC_ALL: "C" } },
  );
  expect([exitCode, stderr.toString()]).toEqual([0, ""]);
  return directory;
}

test("a file of any name, mode, time and content comes out as it went in", () => {
  const file = fc.record({
    directory: nameOf(255),
    name: nameOf(255),
    mode: fc.integer({ min: 0, max: 0o777 }),
    modifiedSeconds: fc.integer({ min: -(2 ** 31), max: 2 ** 33 }),
    content: fc.uint8Array({ maxLength: 1500 }),
  });
  fc.assert(
    fc.property(file, ({ directory, name, mode, modifiedSeconds, content }) => {
      const path = `./${directory}/${name}`;
      const out = unpack([
        header({ name: `./${directory}`, type: "directory", mode: 0o755 }),
        header({ name: path, type: "file", mode, modifiedSeconds, sizeBytes: content.length }),
        content,
        tarPadding(content.length),
      ]);
      const place = Buffer.concat([Buffer.from(`${out}/`), bytes(path)]);
      const stats = lstatSync(place);
      expect(stats.mode & 0o777).toBe(mode);
      expect(Math.floor(stats.mtimeMs / 1000)).toBe(modifiedSeconds);
      if (process.getuid?.() === 0) expect(readFileSync(place).equals(Buffer.from(content))).toBe(true);
    }),
    { numRuns: 40 },
  );
});

test("links keep their targets, whatever is in them and however long they are", () => {
  const target = fc.array(nameOf(200), { minLength: 1, maxLength: 12 }).map((names) => names.join("/"));
  fc.assert(
    fc.property(target, nameOf(120), (linkName, name) => {
      const out = unpack([
        header({ name: "./file", type: "file", sizeBytes: 0 }),
        header({ name: `./dir-${name}`, type: "hardlink", linkName: "./file" }),
        header({ name: "./link", type: "symlink", linkName }),
      ]);
      expect(readlinkSync(`${out}/link`, "buffer").equals(bytes(linkName))).toBe(true);
      expect(lstatSync(`${out}/file`).nlink).toBe(2);
    }),
    { numRuns: 25 },
  );
});

test("sizes and times too large for octal digits are read back by our own reader", async () => {
  const sizes = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
  await fc.assert(
    fc.asyncProperty(sizes, sizes, async (sizeBytes, modifiedSeconds) => {
      const stream = (async function* (): AsyncGenerator<Uint8Array> {
        yield header({ name: "./f", type: "file", sizeBytes, modifiedSeconds });
      })();
      const { value } = await readTar(stream).next();
      expect(value).toMatchObject({ name: "./f", size: sizeBytes, modifiedSeconds, mode: 0o644 });
    }),
  );
});
