import { expect, test } from "bun:test";
import * as fs from "node:fs";
import * as fc from "fast-check";
import { lookAt } from "./restore-tree.ts";
import { Saver } from "./saver.ts";

/** Names that are awkward to sort, to print and to decode; few, so that changes meet. */
const NAMES = ["a", "a-", "a.b", "a0", "A", "\xff\xfe", "new\nline", "\x01", "é", "n".repeat(255)];

const name = fc.constantFrom(...NAMES);
const place = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.tuple(fc.integer({ min: 0, max: 700_000 }), fc.nat(3)).map(([size, fill]) => new Uint8Array(size).fill(fill)),
);

const change = fc.oneof(
  fc.record({ kind: fc.constant("write" as const), place, bytes }),
  fc.record({ kind: fc.constant("append" as const), place, bytes }),
  fc.record({ kind: fc.constant("truncate" as const), place, size: fc.nat(1_000_000) }),
  fc.record({ kind: fc.constant("directory" as const), place }),
  fc.record({ kind: fc.constant("remove" as const), place }),
  fc.record({ kind: fc.constant("move" as const), place, to: place }),
  fc.record({ kind: fc.constant("copy" as const), place, to: place }),
  fc.record({ kind: fc.constant("symlink" as const), place, to: place }),
  fc.record({ kind: fc.constant("hardlink" as const), place, to: place }),
  fc.record({ kind: fc.constant("mode" as const), place, mode: fc.nat(0o7777) }),
  fc.record({ kind: fc.constant("time" as const), place, seconds: fc.integer({ min: -10_000, max: 4_000_000_000 }) }),
);
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

/** What cannot be done where it is tried is left out. */
function apply(workspace: string, change: Change): void {
  const at = (path: string): Buffer => Buffer.concat([Buffer.from(`${workspace}/`), Buffer.from(path, "latin1")]);
  const here = at(change.place);
  try {
    switch (change.kind) {
      case "write":
        return fs.writeFileSync(here, change.bytes);
      case "append":
        return fs.appendFileSync(here, change.bytes);
      case "truncate":
        return fs.truncateSync(here, change.size);
      case "directory":
        return fs.mkdirSync(here);
      case "remove":
        return fs.rmSync(here, { recursive: true });
      case "move":
        return fs.renameSync(here, at(change.to));
      case "copy":
        return fs.copyFileSync(here, at(change.to));
      case "symlink":
        return fs.symlinkSync(Buffer.from(change.to, "latin1"), here);
      case "hardlink":
        return fs.linkSync(here, at(change.to));
      case "mode":
        return fs.chmodSync(here, change.mode);
      case "time":
        return fs.lutimesSync(here, change.seconds, change.seconds);
    }
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error)) throw error;
  }
}

test("whatever was done to a workspace, each snapshot is the workspace, however it came about", async () => {
  const rounds = fc.array(fc.array(change, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(rounds, fc.infiniteStream(fc.boolean()), async (changes, restarts) => {
      using saver = new Saver();
      for (const some of changes) {
        for (const one of some) apply(saver.workspace, one);
        if (restarts.next().value === true) saver.restart();
        const { root } = await saver.take();
        expect(saver.read(root)).toEqual(lookAt(saver.workspace));
        const whole = await new Saver({ workspace: saver.workspace }).take();
        expect(whole.root.treeHash).toBe(root.treeHash);
      }
    }),
    { numRuns: 60 },
  );
}, 60_000);
