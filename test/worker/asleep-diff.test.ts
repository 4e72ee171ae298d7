import * as fc from "fast-check";
import { expect, it } from "vitest";
import { diffTrees, type Change } from "../../src/session/asleep/diff.ts";
import { bucket, saveTree, type Entry } from "./saved-tree.ts";

const difference = async (before: readonly Entry[], after: readonly Entry[]): Promise<readonly Change[]> => {
  const repositoryId = crypto.randomUUID();
  const [one, other] = [await saveTree(before, repositoryId), await saveTree(after, repositoryId)];
  const paging = { limit: 1000, offset: 0 };
  return (await diffTrees({ bucket, repositoryId }, one.root, other.root, paging)).changes;
};

it("two snapshots differ in what was added, removed or changed, by path", async () => {
  const many = Array.from({ length: 5000 }, (_, index): Entry => ({ path: `n${index}`, type: "file", content: "x" }));
  const before: readonly Entry[] = [
    ...many,
    { path: "a", type: "directory" },
    { path: "a/gone", type: "file", content: "1" },
    { path: "a/mode", type: "file", content: "1" },
    { path: "a/same", type: "file", content: "1" },
    { path: "a/time", type: "file", content: "1" },
    { path: "a/word", type: "file", content: "1" },
    { path: "dir", type: "directory" },
    { path: "kind", type: "file", content: "1" },
    { path: "link", type: "symlink", target: "a" },
    { path: "same-link", type: "hardlink", target: "a/same" },
    { path: "z-link", type: "hardlink", target: "a/word" },
  ];
  const after: readonly Entry[] = [
    ...many.filter(({ path }) => path !== "n4999"),
    { path: "a", type: "directory", mtimeNs: 5n },
    { path: "a/mode", type: "file", content: "1", mode: 0o600 },
    { path: "a/new\xff", type: "file", content: "1" },
    { path: "a/same", type: "file", content: "1" },
    { path: "a/time", type: "file", content: "1", mtimeNs: 7n },
    { path: "a/word", type: "file", content: "2" },
    { path: "dir", type: "directory", mode: 0o700 },
    { path: "kind", type: "directory" },
    { path: "link", type: "symlink", target: "b" },
    { path: "same-link", type: "file", content: "1" },
    { path: "z-link", type: "hardlink", target: "a/word" },
  ];
  expect(await difference(before, after)).toEqual([
    { path: "a/gone", change: "removed" },
    { path: "a/mode", change: "changed" },
    { path: "a/new\uFFFD", change: "added" },
    { path: "a/time", change: "changed" },
    { path: "a/word", change: "changed" },
    { path: "dir", change: "changed" },
    { path: "kind", change: "changed" },
    { path: "link", change: "changed" },
    { path: "n4999", change: "removed" },
    { path: "z-link", change: "changed" },
  ]);
  expect(await difference(after, after)).toEqual([]);
  expect(await difference([], [{ path: ".buntime", type: "directory" }])).toEqual([]);
});

interface Edit {
  readonly path: string;
  readonly to: "gone" | "link" | { readonly content: string; readonly mode: number };
}

/** What a path stands for, links to files followed. */
function meaningOf(entries: readonly Entry[]): Map<string, string> {
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  return new Map(
    entries.map((entry): [string, string] => {
      const file = entry.type === "hardlink" ? byPath.get(entry.target) : entry;
      return [
        entry.path,
        JSON.stringify({ ...file, path: "" }, (_key, value: unknown) =>
          typeof value === "bigint" ? `${value}` : value,
        ),
      ];
    }),
  );
}

it("a difference is found wherever in a large tree it lies, behind any name of a file", async () => {
  const path = fc.nat(2999).map((index) => `f${index}`);
  const edit: fc.Arbitrary<Edit> = fc.record({
    path,
    to: fc.oneof(
      fc.constant("gone" as const),
      fc.constant("link" as const),
      fc.record({ content: fc.constantFrom("x", "y"), mode: fc.constantFrom(0o644, 0o600) }),
    ),
  });
  const edited = (edits: readonly Edit[]): Entry[] => {
    const tree = new Map<string, Entry>();
    // The file that all links lead to comes before them.
    tree.set("a-target", { path: "a-target", type: "file", content: `${edits.length % 3}`, mode: 0o644 });
    for (let index = 0; index < 3000; index++) {
      const name = `f${index}`;
      tree.set(
        name,
        index % 7 === 0
          ? { path: name, type: "hardlink", target: "a-target" }
          : { path: name, type: "file", content: "x", mode: 0o644 },
      );
    }
    for (const { path: name, to } of edits) {
      if (to === "gone") {
        tree.delete(name);
      } else if (to === "link") {
        tree.set(name, { path: name, type: "hardlink", target: "a-target" });
      } else {
        tree.set(name, { path: name, type: "file", ...to });
      }
    }
    return [...tree.values()];
  };
  const edits = fc.array(edit, { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(edits, edits, async (one, other) => {
      const [before, after] = [edited(one), edited(other)];
      const [old, now] = [meaningOf(before), meaningOf(after)];
      const expected = [...new Set([...old.keys(), ...now.keys()])]
        .toSorted()
        .filter((name) => old.get(name) !== now.get(name))
        .map((name) => ({ path: name, change: !old.has(name) ? "added" : !now.has(name) ? "removed" : "changed" }));
      expect(await difference(before, after)).toEqual(expected);
    }),
    { numRuns: 12 },
  );
}, 60_000);
