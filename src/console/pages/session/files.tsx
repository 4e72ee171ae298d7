// The Files tab: what is asked of the API, and the questions before it.
import { useEffect, useState } from "preact/hooks";
import { isOffline } from "../../state/connection.ts";
import { api } from "../../state/access.ts";
import { attempt } from "../../state/notices.ts";
import { ConfirmDialog } from "../../parts/confirm-dialog.tsx";
import { Empty } from "../../parts/problem.tsx";
import type { TabProps } from "./tab-props.ts";
import { PathDialog } from "./files/path-dialog.tsx";
import { makeFile } from "./files/document.ts";
import { filesOf } from "./files/files-of.ts";
import { FileView } from "./files/file-view.tsx";
import { FilesSide } from "./files/files-side.tsx";
import { isWithin, joinPath, shownName } from "./files/names.ts";

export type FileQuestion =
  | { readonly about: "file" | "folder"; readonly folder: string }
  | { readonly about: "rename" | "delete"; readonly path: string };

/** The files of a session: a tree of them, and the one that is open. */
export function Files({ session, loader }: TabProps) {
  const sessionId = session.id;
  const files = filesOf(sessionId);
  const { tree } = files;
  const current = files.current.value;
  const isAsleep = session.state === "deep-sleep";
  const canWrite = !isAsleep;
  const [question, setQuestion] = useState<FileQuestion | null>(null);
  const [isWaking, setWaking] = useState(false);
  const close = (): void => setQuestion(null);

  const refresh = (): void => {
    tree.refresh();
    const open = files.current.peek();
    if (open === null) return;
    void (open.content.state.peek().error === null ? open.check() : open.content.reload());
  };
  useEffect(() => {
    const look = (): void => {
      if (!document.hidden) refresh();
    };
    refresh();
    addEventListener("focus", look);
    document.addEventListener("visibilitychange", look);
    return () => {
      removeEventListener("focus", look);
      document.removeEventListener("visibilitychange", look);
    };
    // What could not be loaded without a connection is asked for when it is back.
  }, [sessionId, isOffline.value]);

  const wake = async (): Promise<void> => {
    setWaking(true);
    await attempt("Not woken", async () => {
      await api().sessions.wake({ sessionId });
      await loader.reload();
      refresh();
    });
    setWaking(false);
  };
  const remove = async (path: string): Promise<void> => {
    const done = await attempt("Not deleted", () => api().files.delete({ sessionId, path, recursive: true }));
    if (done) {
      files.deleted(path);
      if (isWithin(tree.selected.peek() ?? "", path)) tree.selected.value = null;
    }
    tree.refresh();
  };
  const make = async (path: string, isFolder: boolean): Promise<void> => {
    await (isFolder ? api().files.mkdir({ sessionId, path }) : makeFile(sessionId, path));
    tree.refresh();
    tree.reveal(path);
    if (!isFolder) files.show(path);
  };
  const move = async (from: string, to: string): Promise<void> => {
    if (from === to) return;
    await api().files.move({ sessionId, from, to });
    files.moved(from, to);
    tree.refresh();
    tree.reveal(to);
  };
  return (
    <div
      class={`files ${current === null ? "" : "has-open"}`}
      onKeyDown={(event) => {
        if (event.defaultPrevented || event.key !== "s" || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        if (canWrite) void current?.save();
      }}
    >
      {isAsleep && (
        <div class="asleep" role="status">
          <p>The session sleeps. Its files are read from its snapshot; they can be changed when it is awake.</p>
          <button type="button" class="primary" disabled={isWaking} onClick={() => void wake()}>
            {isWaking ? "Waking…" : "Wake"}
          </button>
        </div>
      )}
      <FilesSide session={session} files={files} canWrite={canWrite} ask={setQuestion} refresh={refresh} />
      {current === null ? (
        <div class="file-view none">
          <Empty title="No file is open">
            <p>Choose one in the tree, or drop files on it to upload them.</p>
          </Empty>
        </div>
      ) : (
        <FileView key={current.path} files={files} of={current} canWrite={canWrite} />
      )}
      {(question?.about === "file" || question?.about === "folder") && (
        <PathDialog
          title={question.about === "file" ? "New file" : "New folder"}
          button="Create"
          path={joinPath(question.folder, "")}
          onClose={close}
          run={(path) => make(path, question.about === "folder")}
        />
      )}
      {question?.about === "rename" && (
        <PathDialog
          title="Rename or move"
          button="Move"
          path={question.path}
          onClose={close}
          run={(to) => move(question.path, to)}
        />
      )}
      {question?.about === "delete" && (
        <ConfirmDialog
          title="Delete this?"
          button="Delete"
          onClose={close}
          run={() => {
            close();
            void remove(question.path);
          }}
        >
          {shownName(question.path)} is deleted. What is in a folder goes with it.
        </ConfirmDialog>
      )}
    </div>
  );
}
