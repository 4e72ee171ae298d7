// What a key does in the tree, as the ARIA pattern of a tree view has it. Pure.
import type { Row } from "./tree.ts";

export type TreeStep =
  | { readonly does: "select"; readonly index: number }
  /** Opens a folder or closes it; opens a file. */
  | { readonly does: "open" | "close" | "activate" | "rename" | "delete" };

/** What `key` does while row `at` is selected; null: nothing. `page`: how many rows are seen at once. */
export function stepOf(rows: readonly Row[], at: number, key: string, page: number): TreeStep | null {
  const row = rows[at];
  const select = (index: number): TreeStep => ({
    does: "select",
    index: Math.max(0, Math.min(rows.length - 1, index)),
  });
  switch (key) {
    case "ArrowDown":
      return select(at + 1);
    case "ArrowUp":
      return select(at - 1);
    case "PageDown":
      return select(at + page);
    case "PageUp":
      return select(at - page);
    case "Home":
      return select(0);
    case "End":
      return select(rows.length - 1);
  }
  if (row === undefined) return null;
  const isFolder = row.kind === "entry" && row.isFolder;
  const isOpen = row.kind === "entry" && row.isOpen;
  switch (key) {
    case "ArrowRight":
      if (!isFolder) return null;
      return isOpen ? select(at + 1) : { does: "open" };
    case "ArrowLeft":
      if (isOpen) return { does: "close" };
      return row.level === 1 ? null : select(rows.slice(0, at).findLastIndex(({ level }) => level < row.level));
    case "Enter":
    case " ":
      return { does: "activate" };
    case "F2":
      return row.kind === "entry" ? { does: "rename" } : null;
    case "Delete":
      return row.kind === "entry" ? { does: "delete" } : null;
    default:
      return null;
  }
}

/** Whether a key is a part of a name that one types to find it. `?` and `/` are keys of the whole page. */
export function isTyped(key: string): boolean {
  return /^[^\s?/]$/u.test(key);
}

/**
 * The row whose name begins with what was typed, from the selected one on and around; the same letter again and again goes
 * from one to the next. -1: none.
 */
export function findTyped(rows: readonly Row[], at: number, typed: string): number {
  const text = typed.toLowerCase();
  const isCycle = /^(.)\1*$/u.test(text);
  const wanted = isCycle ? String.fromCodePoint(text.codePointAt(0) ?? 0) : text;
  const from = Math.max(0, at) + (isCycle ? 1 : 0);
  for (let step = 0; step < rows.length; step++) {
    const index = (from + step) % rows.length;
    const row = rows[index];
    if (row?.kind === "entry" && row.name.toLowerCase().startsWith(wanted)) return index;
  }
  return -1;
}
