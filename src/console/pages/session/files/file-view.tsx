// The file that is open.
import { useEffect, useRef, useState } from "preact/hooks";
import { attempt } from "../../../state/notices.ts";
import { formatBytes } from "../../../parts/format.ts";
import { LazyEditor } from "../../../parts/lazy-editor.tsx";
import { Problem } from "../../../parts/problem.tsx";
import { ConfirmDialog } from "../../../parts/confirm-dialog.tsx";
import { Loading, Show } from "../../../parts/show.tsx";
import { EDITABLE_BYTES, languageOf } from "./content.ts";
import type { Content, FileDocument } from "./document.ts";
import { downloadFile } from "./download.ts";
import type { SessionFiles } from "./files-of.ts";
import { nameOf, shownName } from "./names.ts";

interface FileViewProps {
  readonly files: SessionFiles;
  readonly of: FileDocument;
  readonly canWrite: boolean;
}

/** One file: its text to edit, its picture, or what else is known of it. */
export function FileView({ files, of: file, canWrite }: FileViewProps) {
  const { sessionId, path } = file;
  const back = useRef<HTMLButtonElement>(null);
  const [isReverting, setReverting] = useState(false);
  const [isLoading, setLoading] = useState(false);
  const { value } = file.content.state.value;
  const draft = file.draft.value;
  useEffect(() => {
    // Where the file takes the place of the tree, the focus comes along.
    if (back.current !== null && back.current.offsetParent !== null) back.current.focus();
  }, [file]);

  const leave = (): void => {
    files.hide();
    // The focus would be lost with the button.
    requestAnimationFrame(() => document.querySelector<HTMLElement>(".file-tree [role='tree']")?.focus());
  };
  const download = async (): Promise<void> => {
    setLoading(true);
    await attempt("Not downloaded", () => downloadFile(sessionId, path));
    setLoading(false);
  };
  return (
    <div class="file-view">
      <div class="file-head">
        <button ref={back} type="button" class="back" onClick={leave}>
          ← Files
        </button>
        <h2 title={shownName(path)}>{shownName(nameOf(path))}</h2>
        <span class="muted">{value?.size == null ? "" : formatBytes(value.size)}</span>
        {draft !== null && <span class="unsaved">● not saved</span>}
        <span class="spacer" />
        {draft !== null && (
          <>
            <button type="button" onClick={() => setReverting(true)}>
              Revert
            </button>
            <button
              type="button"
              class="primary"
              disabled={!canWrite || file.isSaving.value}
              title="Ctrl-S, or ⌘-S"
              onClick={() => void file.save()}
            >
              {file.isSaving.value ? "Saving…" : "Save"}
            </button>
          </>
        )}
        <button type="button" disabled={isLoading} onClick={() => void download()}>
          {isLoading ? "Downloading…" : "Download"}
        </button>
        <button type="button" class="quiet close" aria-label="Close the file" onClick={leave}>
          ✕
        </button>
      </div>
      {file.conflict.value && <Conflict of={file} canWrite={canWrite} />}
      <Body of={file} value={value} files={files} canWrite={canWrite} />
      {isReverting && (
        <ConfirmDialog
          title="Drop what you changed?"
          button="Drop it"
          onClose={() => setReverting(false)}
          run={() => {
            setReverting(false);
            void file.revert();
          }}
        >
          {shownName(path)} is shown as it is saved. What you typed since is lost.
        </ConfirmDialog>
      )}
    </div>
  );
}

function Conflict({ of: file, canWrite }: { readonly of: FileDocument; readonly canWrite: boolean }) {
  return (
    <div class="conflict" role="alert">
      <p>
        <strong>It was changed or deleted by somebody else since you began.</strong> Nothing of yours has been saved,
        and nothing of theirs is lost.
      </p>
      <div class="row">
        <button type="button" onClick={() => void file.revert()}>
          Load theirs, drop mine
        </button>
        <button type="button" class="danger" disabled={!canWrite} onClick={() => void file.overwrite()}>
          Overwrite with mine
        </button>
        <button type="button" onClick={file.keepEditing}>
          Keep editing
        </button>
      </div>
    </div>
  );
}

interface BodyProps {
  readonly of: FileDocument;
  readonly value: Content | null;
  readonly files: SessionFiles;
  readonly canWrite: boolean;
}

function Body({ of: file, value, files, canWrite }: BodyProps) {
  const draft = file.draft.value;
  if (draft === null && value === null) {
    return (
      <Show of={file.content} what="the file">
        {() => <Loading what="the file" />}
      </Show>
    );
  }
  const { error } = file.content.state.value;
  const problem = error !== null && <Problem error={error} retry={() => void file.content.reload()} />;
  if (draft === null && value !== null && value.kind !== "text") {
    return (
      <>
        {problem}
        {value.kind === "image" ? <Picture blob={value.blob} name={nameOf(file.path)} /> : <Bytes type={value.type} />}
      </>
    );
  }
  const text = draft?.text ?? (value?.kind === "text" ? value.text : "");
  const isWhole = draft !== null || (value?.kind === "text" && value.isWhole);
  const lineBreak = draft?.lineBreak ?? (value?.kind === "text" ? value.lineBreak : "\n");
  return (
    <>
      {problem}
      {!isWhole && (
        <p class="file-note">
          It is larger than {formatBytes(EDITABLE_BYTES)}: this is its beginning, to be read only. Download it to see
          all.
        </p>
      )}
      {isWhole && draft !== null && lineBreak === "mixed" && (
        <p class="file-note">Its line breaks are of several kinds. Saved from here, all become line feeds.</p>
      )}
      <div class="editor-place">
        <LazyEditor
          key={file.path}
          label={shownName(file.path)}
          language={languageOf(file.path)}
          text={text}
          readOnly={!canWrite || !isWhole}
          onChange={file.edit}
          onSave={() => {
            if (canWrite) void file.save();
          }}
          goTo={files.place.value}
        />
      </div>
    </>
  );
}

function Picture({ blob, name }: { readonly blob: Blob; readonly name: string }) {
  const [url, setUrl] = useState<string | null>(null);
  const [isBroken, setBroken] = useState(false);
  useEffect(() => {
    const made = URL.createObjectURL(blob);
    setUrl(made);
    setBroken(false);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  if (isBroken) return <Bytes type={blob.type} />;
  return (
    <div class="picture">{url !== null && <img src={url} alt={shownName(name)} onError={() => setBroken(true)} />}</div>
  );
}

function Bytes({ type }: { readonly type: string }) {
  return (
    <div class="empty">
      <p>
        <strong>This is no text</strong>
      </p>
      <p>
        Its type is <code>{type}</code>. Download it to open it elsewhere.
      </p>
    </div>
  );
}
