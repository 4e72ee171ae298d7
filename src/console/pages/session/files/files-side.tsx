// The column beside the open file.
import { useRef, useState } from "preact/hooks";
import type { SessionInfo } from "../../../../sdk/index.ts";
import { attempt } from "../../../state/notices.ts";
import { Empty } from "../../../parts/problem.tsx";
import { Loading } from "../../../parts/show.tsx";
import type { FileQuestion } from "../files.tsx";
import { downloadArchive, downloadFile } from "./download.ts";
import { chosenFiles } from "./dropped.ts";
import { FileTree, targetOf } from "./file-tree.tsx";
import type { SessionFiles } from "./files-of.ts";
import { nameOf, shownName } from "./names.ts";
import { SearchResults } from "./search-results.tsx";
import { UploadList } from "./upload-list.tsx";

interface FilesSideProps {
  readonly session: SessionInfo;
  readonly files: SessionFiles;
  readonly canWrite: boolean;
  readonly ask: (question: FileQuestion) => void;
  readonly refresh: () => void;
}

/** What stands beside the open file: the tree or what was found, what can be done, and what is on its way up. */
export function FilesSide({ session, files, canWrite, ask, refresh }: FilesSideProps) {
  const { tree, uploads } = files;
  const [typed, setTyped] = useState("");
  const [searched, setSearched] = useState("");
  const row = tree.rows.value.find(({ key }) => key === tree.selected.value);
  const folder = targetOf(row);
  return (
    <div class="files-side">
      <form
        class="row"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          setSearched(typed);
        }}
      >
        <input
          type="search"
          aria-label="Search in files"
          placeholder="Search in files"
          maxLength={1024}
          value={typed}
          onInput={(event) => {
            setTyped(event.currentTarget.value);
            if (event.currentTarget.value === "") setSearched("");
          }}
        />
        {searched === "" ? (
          <button type="submit" disabled={typed === ""}>
            Search
          </button>
        ) : (
          <button
            type="button"
            onClick={() => {
              setTyped("");
              setSearched("");
            }}
          >
            Back
          </button>
        )}
      </form>
      <Tools session={session} folder={folder} files={files} canWrite={canWrite} ask={ask} refresh={refresh} />
      <Unsaved files={files} />
      {searched === "" ? (
        <Tree files={files} canWrite={canWrite} ask={ask} refresh={refresh} />
      ) : (
        <SearchResults sessionId={session.id} text={searched} show={files.show} />
      )}
      {searched === "" && row?.kind === "entry" && (
        <div class="row selection" role="group" aria-label={`What can be done with ${shownName(row.name)}`}>
          <span class="file-name">{shownName(row.name)}</span>
          <span class="spacer" />
          {row.entry.type === "file" && (
            <button
              type="button"
              onClick={() => void attempt("Not downloaded", () => downloadFile(session.id, row.key))}
            >
              Download
            </button>
          )}
          <button type="button" disabled={!canWrite} title="F2" onClick={() => ask({ about: "rename", path: row.key })}>
            Rename
          </button>
          <button
            type="button"
            class="danger"
            disabled={!canWrite}
            title="Delete"
            onClick={() => ask({ about: "delete", path: row.key })}
          >
            Delete
          </button>
        </div>
      )}
      <UploadList uploads={uploads} canWrite={canWrite} />
    </div>
  );
}

function Tree({ files, canWrite, ask, refresh }: Pick<FilesSideProps, "files" | "canWrite" | "ask" | "refresh">) {
  const root = files.tree.folders.value.get("");
  if (root === undefined) return <Loading what="the files" />;
  if (root.total === null && root.error !== null) {
    return (
      <div class="problem" role="alert">
        <p>
          <strong>The files cannot be listed</strong>
        </p>
        <p>{root.error}</p>
        <button type="button" onClick={refresh}>
          Try again
        </button>
      </div>
    );
  }
  return (
    <>
      {root.total === 0 && (
        <Empty title="The workspace is empty">
          <p>Make a file, upload some, or run code that writes one.</p>
        </Empty>
      )}
      <FileTree
        files={files}
        canWrite={canWrite}
        rename={(path) => ask({ about: "rename", path })}
        remove={(path) => ask({ about: "delete", path })}
      />
    </>
  );
}

function Tools({ session, folder, files, canWrite, ask, refresh }: FilesSideProps & { readonly folder: string }) {
  const chooseFiles = useRef<HTMLInputElement>(null);
  const chooseFolder = useRef<HTMLInputElement>(null);
  const [isPacking, setPacking] = useState(false);
  const into = folder === "" ? "the workspace" : shownName(folder);
  const add = (input: HTMLInputElement): void => {
    files.uploads.add(chosenFiles(input.files, folder));
    // The same ones may be chosen again.
    input.value = "";
  };
  const archive = async (): Promise<void> => {
    setPacking(true);
    await attempt("Not downloaded", () => downloadArchive(session.id, session.name ?? session.id));
    setPacking(false);
  };
  return (
    <div class="file-tools" role="group" aria-label="Files">
      <button type="button" disabled={!canWrite} title={`In ${into}`} onClick={() => ask({ about: "file", folder })}>
        New file
      </button>
      <button type="button" disabled={!canWrite} title={`In ${into}`} onClick={() => ask({ about: "folder", folder })}>
        New folder
      </button>
      <button type="button" disabled={!canWrite} title={`Into ${into}`} onClick={() => chooseFiles.current?.click()}>
        Upload
      </button>
      <button type="button" disabled={!canWrite} title={`Into ${into}`} onClick={() => chooseFolder.current?.click()}>
        Upload folder
      </button>
      <button type="button" disabled={isPacking} onClick={() => void archive()}>
        {isPacking ? "Downloading…" : "Download all"}
      </button>
      <button type="button" aria-label="Refresh" title="Refresh" onClick={refresh}>
        ⟳
      </button>
      <input ref={chooseFiles} type="file" multiple hidden onChange={(event) => add(event.currentTarget)} />
      <input
        ref={(input) => {
          chooseFolder.current = input;
          if (input !== null) input.webkitdirectory = true;
        }}
        type="file"
        hidden
        onChange={(event) => add(event.currentTarget)}
      />
    </div>
  );
}

/** Files that are not saved, and not shown: so that none is forgotten. */
function Unsaved({ files }: { readonly files: SessionFiles }) {
  const others = [...files.unsaved.value].filter((path) => path !== files.current.value?.path);
  if (others.length === 0) return null;
  return (
    <div class="row unsaved-list">
      <span class="muted">Not saved:</span>
      {others.map((path) => (
        <button key={path} type="button" class="quiet" title={shownName(path)} onClick={() => files.show(path)}>
          {shownName(nameOf(path))}
        </button>
      ))}
    </div>
  );
}
