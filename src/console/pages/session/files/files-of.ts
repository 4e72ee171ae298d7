// What is open in a session's files: it stays while one looks at another tab or another session.
import { computed, effect, signal } from "@preact/signals";
import type { ReadonlySignal, Signal } from "@preact/signals";
import { api } from "../../../state/access.ts";
import { noteOutcome } from "../../../state/connection.ts";
import { asBuntimeError } from "../../../state/loaded.ts";
import { createDocument } from "./document.ts";
import type { FileDocument } from "./document.ts";
import { isWithin } from "./names.ts";
import { putFile } from "./put-file.ts";
import { journalOf } from "./upload-journal.ts";
import { createUploads } from "./uploads.ts";
import type { UploadFailure, Uploads } from "./uploads.ts";
import { createTree } from "./workspace-tree.ts";
import type { WorkspaceTree } from "./workspace-tree.ts";

export interface SessionFiles {
  readonly tree: WorkspaceTree;
  readonly uploads: Uploads<File>;
  /** The one that is shown. */
  readonly current: ReadonlySignal<FileDocument | null>;
  /** Where to go in it. */
  readonly place: Signal<{ readonly line: number; readonly column: number } | null>;
  /** Paths of those that are not saved. */
  readonly unsaved: ReadonlySignal<ReadonlySet<string>>;
  readonly show: (path: string, line?: number) => void;
  readonly hide: () => void;
  /** Follows a move: what is not saved goes with its file. */
  readonly moved: (from: string, to: string) => void;
  readonly deleted: (path: string) => void;
}

const bySession = signal<ReadonlyMap<string, SessionFiles>>(new Map());

export function filesOf(sessionId: string): SessionFiles {
  const known = bySession.peek().get(sessionId);
  if (known !== undefined) return known;
  const made = createFiles(sessionId);
  bySession.value = new Map(bySession.peek()).set(sessionId, made);
  return made;
}

const ask = (event: BeforeUnloadEvent): void => event.preventDefault();

// Leaving asks, as long as something would be lost by it.
effect(() => {
  const all = [...bySession.value.values()];
  if (!all.some(({ unsaved, uploads }) => unsaved.value.size > 0 || uploads.isBusy.value)) return undefined;
  addEventListener("beforeunload", ask);
  return () => removeEventListener("beforeunload", ask);
});

/** Of tries for one file while the account has used up its requests. */
const TRIES = 60;

async function send(
  sessionId: string,
  path: string,
  file: File,
  options: Parameters<Parameters<typeof createUploads<File>>[0]["send"]>[2],
): Promise<UploadFailure | null> {
  const { replace, ...rest } = options;
  for (let tries = 1; ; tries++) {
    try {
      await putFile({ sessionId, path, body: file, over: replace ? "any" : "absent", ...rest });
      noteOutcome(null);
      return null;
    } catch (error) {
      const { code, message, retryAfter } = asBuntimeError(error);
      if (code !== "rate_limit_exceeded" || tries === TRIES || rest.signal.aborted) {
        noteOutcome(error);
        const isThere = code === "precondition_failed";
        return { problem: isThere ? "There is a file with this name already." : message, isThere };
      }
      await new Promise((resolve) => setTimeout(resolve, 1000 * (retryAfter ?? 1)));
    }
  }
}

function createFiles(sessionId: string): SessionFiles {
  const place = `buntime.file.${sessionId}`;
  const tree = createTree(
    async (folder, page) => {
      const files = await api().files.list({ sessionId, path: folder === "" ? "/workspace" : folder, ...page });
      noteOutcome(null);
      return { files, total: files.total };
    },
    (error) => {
      noteOutcome(error);
      const { code, message } = asBuntimeError(error);
      return code === "file_not_found" ? null : message;
    },
  );
  const uploads = createUploads<File>({
    send: (path, file, options) => send(sessionId, path, file, options),
    onIdle: tree.refresh,
    journal: journalOf(sessionId),
  });
  const documents = signal<ReadonlyMap<string, FileDocument>>(new Map());
  const current = signal<FileDocument | null>(null);
  const goTo: SessionFiles["place"] = signal(null);

  const setCurrent = (document: FileDocument | null): void => {
    current.value = document;
    // Those that are neither shown nor changed are loaded again when they are wanted.
    const kept = [...documents.peek().values()].filter((each) => each.draft.peek() !== null);
    const all = document === null ? kept : [...kept, document];
    documents.value = new Map(all.map((each) => [each.path, each]));
    if (document === null) sessionStorage.removeItem(place);
    else sessionStorage.setItem(place, document.path);
  };
  const show: SessionFiles["show"] = (path, line) => {
    goTo.value = line === undefined ? null : { line, column: 1 };
    if (current.peek()?.path === path) return;
    const known = documents.peek().get(path);
    const document = known ?? createDocument(sessionId, path);
    if (known === undefined) void document.content.reload();
    else void known.check();
    setCurrent(document);
  };

  const before = sessionStorage.getItem(place);
  if (before !== null) show(before);
  return {
    tree,
    uploads,
    current,
    place: goTo,
    unsaved: computed(
      () => new Set([...documents.value.values()].filter(({ draft }) => draft.value !== null).map(({ path }) => path)),
    ),
    show,
    hide: () => setCurrent(null),
    moved(from, to) {
      const shown = current.peek();
      const follow = (document: FileDocument): FileDocument => {
        if (!isWithin(document.path, from)) return document;
        const next = createDocument(sessionId, to + document.path.slice(from.length), document.draft.peek());
        void next.content.reload();
        return next;
      };
      const all = [...documents.peek().values()].map((document) => [document, follow(document)] as const);
      documents.value = new Map(all.map(([, next]) => [next.path, next]));
      if (shown !== null) setCurrent(all.find(([document]) => document === shown)?.[1] ?? null);
    },
    deleted(path) {
      const gone = current.peek();
      documents.value = new Map([...documents.peek()].filter(([each]) => !isWithin(each, path)));
      if (gone !== null && isWithin(gone.path, path)) setCurrent(null);
    },
  };
}
