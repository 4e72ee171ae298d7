// What is known of a session's files. What is seen is asked for, a page at a time, so that a workspace opens as quickly
// with ten thousand files as with ten.
import { computed, signal } from "@preact/signals";
import type { ReadonlySignal, Signal } from "@preact/signals";
import type { FileEntry } from "../../../../sdk/index.ts";
import { foldersAbove, isWithin } from "./names.ts";
import { rowsOf, UNKNOWN, waitingKey, withPage } from "./tree.ts";
import type { Folder, Row } from "./tree.ts";

/** A page of a folder; "" is the workspace. */
export type ListFolder = (
  folder: string,
  page: { readonly limit: number; readonly offset: number },
) => Promise<{ readonly files: readonly FileEntry[]; readonly total: number }>;

export interface WorkspaceTree {
  readonly folders: ReadonlySignal<ReadonlyMap<string, Folder>>;
  readonly rows: ReadonlySignal<readonly Row[]>;
  /** Key of the selected row. */
  readonly selected: Signal<string | null>;
  /** Counts up when all that is known may be old: what is seen is wanted again. */
  readonly generation: ReadonlySignal<number>;
  /** Has the page loaded that holds this position, unless it is known. */
  readonly want: (folder: string, index: number) => void;
  readonly open: (folder: string) => void;
  readonly close: (folder: string) => void;
  /** Opens what is above a path and selects it. */
  readonly reveal: (path: string) => void;
  readonly refresh: () => void;
}

const PAGE = 100;

/** `explain`: what is shown for a folder that could not be listed; null: it is not there any more. */
export function createTree(list: ListFolder, explain: (error: unknown) => string | null): WorkspaceTree {
  const folders = signal<ReadonlyMap<string, Folder>>(new Map());
  const opened = signal<ReadonlySet<string>>(new Set());
  const selected = signal<string | null>(null);
  const generation = signal(0);
  /** In which generation a page was asked for last. */
  const asked = new Map<string, number>();

  const put = (path: string, change: (folder: Folder) => Folder): void => {
    folders.value = new Map(folders.peek()).set(path, change(folders.peek().get(path) ?? UNKNOWN));
  };
  const forget = (path: string): void => {
    folders.value = new Map([...folders.peek()].filter(([known]) => !isWithin(known, path)));
    opened.value = new Set([...opened.peek()].filter((known) => !isWithin(known, path)));
    for (const page of asked.keys()) if (isWithin(page.slice(0, page.indexOf("\u0000")), path)) asked.delete(page);
  };

  const load = async (folder: string, offset: number): Promise<void> => {
    const now = generation.peek();
    const isOld = (): boolean => asked.get(waitingKey(folder, offset)) !== now;
    try {
      const { files, total } = await list(folder, { limit: PAGE, offset });
      if (isOld()) return;
      put(folder, (known) => withPage(known, { offset, files, total, limit: PAGE }));
      // What was selected before it had a name stays selected.
      const index = files.findIndex((_, at) => selected.peek() === waitingKey(folder, offset + at));
      if (index !== -1) selected.value = files[index]?.path ?? null;
    } catch (error) {
      if (isOld()) return;
      const message = explain(error);
      if (message !== null || folder === "") {
        asked.delete(waitingKey(folder, offset));
        put(folder, (known) => ({ ...known, error: message ?? "It is not there any more." }));
      } else {
        forget(folder);
        refresh();
      }
    }
  };
  const want = (folder: string, index: number): void => {
    const offset = index - (index % PAGE);
    const page = waitingKey(folder, offset);
    if (asked.get(page) === generation.peek()) return;
    asked.set(page, generation.peek());
    void load(folder, offset);
  };
  const refresh = (): void => {
    generation.value += 1;
    want("", 0);
  };

  return {
    folders,
    rows: computed(() => rowsOf(folders.value, opened.value)),
    selected,
    generation,
    want,
    open(folder) {
      opened.value = new Set([...opened.peek(), folder]);
      want(folder, 0);
    },
    close(folder) {
      opened.value = new Set([...opened.peek()].filter((path) => path !== folder));
      const at = selected.peek();
      // What cannot be seen any more cannot be selected.
      if (at !== null && at !== folder && (isWithin(at, folder) || at.startsWith(waitingKey(folder, 0).slice(0, -1))))
        selected.value = folder;
    },
    reveal(path) {
      opened.value = new Set([...opened.peek(), ...foldersAbove(path)]);
      for (const folder of foldersAbove(path)) want(folder, 0);
      selected.value = path;
    },
    refresh,
  };
}
