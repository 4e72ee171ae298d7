// How uploads are getting on.
import { formatBytes } from "../../../parts/format.ts";
import { shownName } from "./names.ts";
import type { Upload, Uploads } from "./uploads.ts";

/** More are only counted. */
const MOST = 50;

/** What is on its way up, and what did not get there. */
export function UploadList({ uploads, canWrite }: { readonly uploads: Uploads<File>; readonly canWrite: boolean }) {
  const all = uploads.all.value;
  const cut = uploads.cutOff.value;
  if (all.length === 0 && cut.length === 0) return null;
  const isBusy = uploads.isBusy.value;
  const done = all.filter(({ state }) => state === "done").length;
  const open = all.filter(({ state }) => state !== "done");
  return (
    <section class="uploads" aria-label="Uploads">
      {cut.length > 0 && <CutOff paths={cut} forget={uploads.forgetCutOff} />}
      {all.length > 0 && (
        <div class="row">
          <span role="status">
            {done} of {all.length} uploaded
          </span>
          <span class="spacer" />
          {isBusy ? (
            <button type="button" onClick={uploads.cancelAll}>
              Cancel all
            </button>
          ) : (
            <button type="button" onClick={uploads.clear}>
              Clear
            </button>
          )}
        </div>
      )}
      {open.length > 0 && (
        <ul>
          {open.slice(0, MOST).map((upload) => (
            <UploadRow key={upload.id} of={upload} uploads={uploads} canWrite={canWrite} />
          ))}
        </ul>
      )}
      {open.length > MOST && <p class="muted">and {open.length - MOST} more</p>}
    </section>
  );
}

/** A page that is loaded anew does not have the files any more. */
function CutOff({ paths, forget }: { readonly paths: readonly string[]; readonly forget: () => void }) {
  return (
    <div class="row" role="status">
      <span class="row-error wrap">
        Not uploaded, since the page was left: {paths.slice(0, MOST).map(shownName).join(", ")}
        {paths.length > MOST && ` and ${paths.length - MOST} more`}. Upload again what is missing.
      </span>
      <span class="spacer" />
      <button type="button" onClick={forget}>
        Dismiss
      </button>
    </div>
  );
}

interface UploadRowProps {
  readonly of: Upload;
  readonly uploads: Uploads<File>;
  readonly canWrite: boolean;
}

function UploadRow({ of: upload, uploads, canWrite }: UploadRowProps) {
  const { id, path, size, sent, state, problem, isThere } = upload;
  const name = shownName(path);
  const hasEnded = state === "failed" || state === "cancelled";
  return (
    <li>
      <span class="file-name" title={name}>
        {name}
      </span>
      {hasEnded ? (
        <>
          <span class={state === "failed" ? "row-error" : "muted"}>{problem ?? "cancelled"}</span>
          <button
            type="button"
            disabled={!canWrite}
            aria-label={`${isThere ? "Replace" : "Try again"}: ${name}`}
            onClick={() => uploads.retry(id, isThere)}
          >
            {isThere ? "Replace" : "Try again"}
          </button>
        </>
      ) : (
        <>
          <progress aria-label={name} max={Math.max(size, 1)} value={state === "waiting" ? 0 : sent} />
          <span class="muted">{state === "waiting" ? "waits" : `${formatBytes(sent)} of ${formatBytes(size)}`}</span>
          <button type="button" aria-label={`Cancel: ${name}`} onClick={() => uploads.cancel(id)}>
            Cancel
          </button>
        </>
      )}
    </li>
  );
}
