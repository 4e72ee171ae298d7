// What has changed between two snapshots.
import { useState } from "preact/hooks";
import type { Snapshot, SnapshotDiff } from "../../../sdk/index.ts";
import { api } from "../../state/access.ts";
import { useLoaded } from "../../state/use-loaded.ts";
import { CopyButton } from "../../parts/copy-button.tsx";
import { formatTime } from "../../parts/format.ts";
import { Empty } from "../../parts/problem.tsx";
import { Show } from "../../parts/show.tsx";

const PAGE = 100;
const SIGN = { added: "+", removed: "−", changed: "±" } as const;

interface SnapshotDiffProps {
  readonly sessionId: string;
  readonly from: Snapshot;
  readonly others: readonly Snapshot[];
}

const nameOf = ({ label, createdAt }: Snapshot): string => label ?? formatTime(createdAt);

/** As `git status --short` would have it. */
const asText = ({ changes }: SnapshotDiff): string =>
  changes.map(({ change, path }) => `${{ added: "A", removed: "D", changed: "M" }[change]} ${path}`).join("\n");

export function SnapshotDiffView({ sessionId, from, others }: SnapshotDiffProps) {
  const [to, setTo] = useState<string>("");
  const [page, setPage] = useState(0);
  const loader = useLoaded(
    (signal) =>
      api().snapshots.diff(
        { sessionId, snapshotId: from.snapshotId, limit: PAGE, offset: page * PAGE, ...(to === "" ? {} : { to }) },
        { signal },
      ),
    [sessionId, from.snapshotId, to, page],
  );
  return (
    <div class="stack">
      <label class="row">
        {nameOf(from)} →
        <select
          aria-label="Compared with"
          value={to}
          onChange={(event) => {
            setPage(0);
            setTo(event.currentTarget.value);
          }}
        >
          <option value="">the newest snapshot</option>
          {others.map((snapshot) => (
            <option key={snapshot.snapshotId} value={snapshot.snapshotId}>
              {nameOf(snapshot)}
            </option>
          ))}
        </select>
      </label>
      <Show of={loader} what="changes">
        {(diff) =>
          diff.total === 0 ? (
            <Empty title="Nothing has changed" />
          ) : (
            <>
              <p class="row muted">
                {diff.total} {diff.total === 1 ? "change" : "changes"}
                <CopyButton text={asText(diff)} label="the changes as text" />
              </p>
              <ul class="diff" tabIndex={0} aria-label="Changes">
                {diff.changes.map(({ path, change }) => (
                  <li key={path} class={`diff-${change}`}>
                    <span aria-hidden="true">{SIGN[change]}</span>
                    <span class="visually-hidden">{change}</span> <code>{path}</code>
                  </li>
                ))}
              </ul>
              {diff.total > PAGE && (
                <div class="row">
                  <button type="button" disabled={page === 0} onClick={() => setPage(page - 1)}>
                    Back
                  </button>
                  <span>
                    {page + 1} of {Math.ceil(diff.total / PAGE)}
                  </span>
                  <button type="button" disabled={(page + 1) * PAGE >= diff.total} onClick={() => setPage(page + 1)}>
                    Next
                  </button>
                </div>
              )}
            </>
          )
        }
      </Show>
    </div>
  );
}
