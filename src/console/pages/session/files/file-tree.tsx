// The tree of files: rows that are drawn as they are seen, the keys that move through them, and what is dropped on them.
import { useEffect, useRef, useState } from "preact/hooks";
import { formatBytes } from "../../../parts/format.ts";
import { VirtualList } from "../../../parts/virtual-list.tsx";
import { droppedFiles, hasFiles } from "./dropped.ts";
import type { SessionFiles } from "./files-of.ts";
import { shownName } from "./names.ts";
import { findTyped, isTyped, stepOf } from "./tree-keys.ts";
import type { Row } from "./tree.ts";

interface FileTreeProps {
  readonly files: SessionFiles;
  readonly canWrite: boolean;
  readonly rename: (path: string) => void;
  readonly remove: (path: string) => void;
}

const ROW_HEIGHT = 30;
/** Letters typed within this belong to one name. */
const TYPED_TOGETHER_MS = 700;
/** What is only scrolled past is not asked for. */
const SETTLED_MS = 60;

/** The folder that something would be put into which is dropped on a row, or made while it is selected. */
export function targetOf(row: Row | undefined): string {
  return row === undefined ? "" : row.kind === "entry" && row.isFolder ? row.key : row.folder;
}

/** The files as a tree. It keeps the focus itself; keys move through it. */
export function FileTree({ files, canWrite, rename, remove }: FileTreeProps) {
  const { tree } = files;
  const rows = tree.rows.value;
  const selected = rows.findIndex(({ key }) => key === tree.selected.value);
  const typed = useRef({ text: "", at: 0 });
  const [dropFolder, setDropFolder] = useState<string | null>(null);

  const activate = (row: Row): void => {
    tree.selected.value = row.key;
    if (row.kind === "note") return tree.refresh();
    if (row.kind !== "entry") return;
    if (row.isFolder) (row.isOpen ? tree.close : tree.open)(row.key);
    else files.show(row.key);
  };
  const select = (index: number): void => {
    const row = rows[index];
    if (row !== undefined) tree.selected.value = row.key;
  };
  const press = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const list = event.currentTarget;
    const page = list instanceof HTMLElement ? Math.max(1, Math.floor(list.clientHeight / ROW_HEIGHT) - 1) : 1;
    const now = event.timeStamp;
    const isGoing = typed.current.text !== "" && now - typed.current.at < TYPED_TOGETHER_MS;
    if (isTyped(event.key) || (event.key === " " && isGoing)) {
      typed.current = { text: isGoing ? typed.current.text + event.key : event.key, at: now };
      event.preventDefault();
      return select(findTyped(rows, selected, typed.current.text));
    }
    const step = stepOf(rows, selected, event.key, page);
    if (step === null) return;
    event.preventDefault();
    if (step.does === "select") return select(step.index);
    const row = rows[selected];
    if (row === undefined) return;
    if (step.does === "activate") return activate(row);
    if (step.does === "open") return tree.open(row.key);
    if (step.does === "close") return tree.close(row.key);
    if (canWrite) (step.does === "rename" ? rename : remove)(row.key);
  };
  const rowAt = (event: DragEvent): Row | undefined => {
    const element = event.target instanceof Element ? event.target.closest("[data-row]") : null;
    return element instanceof HTMLElement ? rows[Number(element.dataset["row"])] : undefined;
  };
  return (
    <div
      class={`file-tree ${dropFolder === "" ? "drop" : ""}`}
      onDragOver={(event) => {
        if (!canWrite || !hasFiles(event.dataTransfer)) return;
        event.preventDefault();
        setDropFolder(targetOf(rowAt(event)));
      }}
      onDragLeave={() => setDropFolder(null)}
      onDrop={(event) => {
        setDropFolder(null);
        if (!canWrite || !hasFiles(event.dataTransfer)) return;
        event.preventDefault();
        void droppedFiles(event.dataTransfer, targetOf(rowAt(event))).then(files.uploads.add);
      }}
    >
      <VirtualList
        label="Files"
        role="tree"
        items={rows}
        rowHeight={ROW_HEIGHT}
        keyOf={({ key }) => key}
        selected={selected}
        active={selected === -1 ? undefined : `file-row-${selected}`}
        onKeyDown={press}
      >
        {(row, index) => (
          <TreeRow
            of={row}
            index={index}
            files={files}
            isSelected={index === selected}
            isDrop={dropFolder !== null && dropFolder !== "" && targetOf(row) === dropFolder}
            activate={() => activate(row)}
          />
        )}
      </VirtualList>
    </div>
  );
}

interface TreeRowProps {
  readonly of: Row;
  readonly index: number;
  readonly files: SessionFiles;
  readonly isSelected: boolean;
  readonly isDrop: boolean;
  readonly activate: () => void;
}

function TreeRow({ of: row, index, files, isSelected, isDrop, activate }: TreeRowProps) {
  const { tree } = files;
  const generation = tree.generation.value;
  const isOpen = row.kind === "entry" && row.isOpen;
  useEffect(() => {
    const timer = setTimeout(() => {
      tree.want(row.folder, row.index);
      if (isOpen) tree.want(row.key, 0);
    }, SETTLED_MS);
    return () => clearTimeout(timer);
  }, [row.folder, row.index, isOpen, generation]);
  const isShown = row.kind === "entry" && files.current.value?.path === row.key;
  return (
    <div
      id={`file-row-${index}`}
      data-row={index}
      class={`file-row ${isSelected ? "selected" : ""} ${isShown ? "shown" : ""} ${isDrop ? "drop" : ""}`}
      style={{ paddingInlineStart: `${0.5 + (row.level - 1) * 0.9}rem` }}
      role="treeitem"
      aria-level={row.level}
      aria-setsize={row.siblings}
      aria-posinset={row.index + 1}
      aria-selected={isSelected}
      aria-expanded={row.kind === "entry" && row.isFolder ? isOpen : undefined}
      onClick={activate}
    >
      {row.kind === "entry" ? <Entry of={row} isUnsaved={files.unsaved.value.has(row.key)} /> : <Other of={row} />}
    </div>
  );
}

function Entry({ of: row, isUnsaved }: { readonly of: Row & { kind: "entry" }; readonly isUnsaved: boolean }) {
  const { type, size } = row.entry;
  return (
    <>
      <span class="twist" aria-hidden="true">
        {row.isFolder ? (row.isOpen ? "▾" : "▸") : type === "symlink" ? "↪" : ""}
      </span>
      <span class="file-name" title={shownName(row.name)}>
        {shownName(row.name)}
      </span>
      {isUnsaved && (
        <span class="unsaved" role="img" aria-label="not saved" title="Not saved">
          ●
        </span>
      )}
      {type === "file" && <span class="muted">{formatBytes(size)}</span>}
    </>
  );
}

function Other({ of: row }: { readonly of: Exclude<Row, { kind: "entry" }> }) {
  if (row.kind === "note") return <span class={row.isError ? "row-error" : "muted"}>{row.text}</span>;
  return (
    <>
      <span class="visually-hidden">loading</span>
      <span class="bar" aria-hidden="true" />
    </>
  );
}
