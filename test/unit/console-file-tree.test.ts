import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FileEntry } from "../../src/contract/files.ts";
import { folderOf } from "../../src/console/pages/session/files/names.ts";
import { findTyped, isTyped, stepOf } from "../../src/console/pages/session/files/tree-keys.ts";
import { rowsOf } from "../../src/console/pages/session/files/tree.ts";
import { createTree } from "../../src/console/pages/session/files/workspace-tree.ts";
import type { WorkspaceTree } from "../../src/console/pages/session/files/workspace-tree.ts";
import { until } from "../support/until.ts";

function entry(path: string, type: FileEntry["type"] = "file"): FileEntry {
  return { path, type, size: 1, modified: "2026-01-01T00:00:00.000Z" };
}

/** A workspace whose entries are all of these; listed a page at a time, as the platform does. */
function treeOf(paths: () => readonly string[]): { readonly tree: WorkspaceTree; readonly asked: string[] } {
  const asked: string[] = [];
  const tree = createTree(
    async (folder, { limit, offset }) => {
      asked.push(`${folder}@${offset}`);
      const all = paths();
      const isKnown = folder === "" || all.some((path) => path.startsWith(`${folder}/`));
      if (!isKnown) throw new Error("gone");
      const names = all.flatMap((path) => {
        const rest = folder === "" ? path : path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : null;
        return rest === null ? [] : [rest.split("/")[0] ?? ""];
      });
      const entries = [...new Set(names)].toSorted().map((name) => {
        const path = folder === "" ? name : `${folder}/${name}`;
        return entry(path, all.includes(path) ? "file" : "directory");
      });
      return { files: entries.slice(offset, offset + limit), total: entries.length };
    },
    () => null,
  );
  return { tree, asked };
}

const many = Array.from({ length: 10_000 }, (_, index) => `many/${String(index).padStart(5, "0")}`);
const keysOf = (tree: WorkspaceTree): readonly string[] => tree.rows.value.map(({ key }) => key);

describe("The tree of files", () => {
  it("has a place for ten thousand files after one request, and asks for the others when they are seen", async () => {
    const { tree, asked } = treeOf(() => [...many, "z"]);
    tree.refresh();
    tree.open("many");
    await until("the rows", () => tree.rows.value.length === 10_002);
    expect(asked).toEqual(["@0", "many@0"]);

    tree.want("many", 9_950);
    tree.want("many", 9_951);
    await until("the rows", () => keysOf(tree).includes("many/09999"));
    expect(asked).toEqual(["@0", "many@0", "many@9900"]);
  });

  it("keeps what is selected when its name arrives", async () => {
    const { tree } = treeOf(() => many);
    tree.refresh();
    tree.open("many");
    await until("the rows", () => tree.rows.value.length === 10_001);
    tree.selected.value = tree.rows.value.at(-1)?.key ?? null;
    tree.want("many", 9_999);
    await until("the rows", () => tree.selected.value === "many/09999");
  });

  it("shows after a refresh what has come and gone, and closes a folder that is not there any more", async () => {
    let paths = ["a", "old/x"];
    const { tree } = treeOf(() => paths);
    tree.refresh();
    tree.open("old");
    await until("the rows", () => keysOf(tree).join() === "a,old,old/x");
    paths = ["a", "b"];
    tree.refresh();
    tree.want("old", 0);
    await until("the rows", () => keysOf(tree).join() === "a,b");
    expect([...tree.folders.value.keys()]).toEqual([""]);
  });

  it("selects a folder in place of what was selected in it, when it is closed", async () => {
    const { tree } = treeOf(() => ["src/deep/x", "src2/y"]);
    tree.refresh();
    tree.reveal("src/deep/x");
    await until("the rows", () => keysOf(tree).includes("src/deep/x"));
    tree.close("src");
    expect(tree.selected.value).toBe("src");
    expect(keysOf(tree)).toEqual(["src", "src2"]);
  });

  it("says of a folder that it is empty, or could not be read", () => {
    const folders = new Map([
      ["", { total: 2, entries: new Map([entry("a", "directory"), entry("b", "directory")].entries()), error: null }],
      ["a", { total: 0, entries: new Map<number, FileEntry>(), error: null }],
      ["b", { total: null, entries: new Map<number, FileEntry>(), error: "no connection" }],
    ]);
    const rows = rowsOf(folders, new Set(["a", "b"]));
    expect(rows.map((row) => (row.kind === "note" ? row.text : row.key))).toEqual(["a", "empty", "b", "no connection"]);
  });
});

describe("Keys in the tree of files", () => {
  const entries = (...paths: FileEntry[]): ReadonlyMap<number, FileEntry> => new Map(paths.entries());
  const rows = rowsOf(
    new Map([
      ["", { total: 3, entries: entries(entry("Beta"), entry("src", "directory"), entry("zeta")), error: null }],
      ["src", { total: 2, entries: entries(entry("src/bar"), entry("src/baz", "directory")), error: null }],
    ]),
    new Set(["src"]),
  );

  it("never lead out of the list", () => {
    const keys = fc.constantFrom(
      "ArrowUp",
      "ArrowDown",
      "ArrowLeft",
      "ArrowRight",
      "Home",
      "End",
      "PageUp",
      "PageDown",
    );
    fc.assert(
      fc.property(fc.array(keys), fc.integer({ min: -1, max: rows.length - 1 }), (pressed, begin) => {
        let at = begin;
        for (const key of pressed) {
          const step = stepOf(rows, at, key, 3);
          if (step?.does === "select") at = step.index;
          expect(at).toBeLessThan(rows.length);
        }
        expect(at).toBeGreaterThanOrEqual(begin === -1 ? -1 : 0);
      }),
    );
  });

  it("go into a folder and out of it, open it and close it", () => {
    expect(rows.map(({ key }) => key)).toEqual(["Beta", "src", "src/bar", "src/baz", "zeta"]);
    expect(stepOf(rows, 1, "ArrowRight", 3)).toEqual({ does: "select", index: 2 });
    expect(stepOf(rows, 1, "ArrowLeft", 3)).toEqual({ does: "close" });
    expect(stepOf(rows, 3, "ArrowRight", 3)).toEqual({ does: "open" });
    expect(stepOf(rows, 3, "ArrowLeft", 3)).toEqual({ does: "select", index: 1 });
    expect(stepOf(rows, 0, "ArrowLeft", 3)).toBeNull();
    expect(stepOf(rows, 0, "Enter", 3)).toEqual({ does: "activate" });
    expect(folderOf(rows[2]?.key ?? "")).toBe("src");
  });

  it("find a name by its beginning, and go from one to the next by its letter", () => {
    expect(findTyped(rows, 0, "b")).toBe(2);
    expect(findTyped(rows, 2, "bb")).toBe(3);
    expect(findTyped(rows, 3, "b")).toBe(0);
    expect(findTyped(rows, 2, "baz")).toBe(3);
    expect(findTyped(rows, 4, "be")).toBe(0);
    expect(findTyped(rows, 0, "nothing")).toBe(-1);
    expect(["a", "é", "🎉", ".", "?", "/", " ", "Enter"].filter(isTyped)).toEqual(["a", "é", "🎉", "."]);
  });
});
