// The snapshots of a session: taken, compared, restored, forked, deleted.
import { useState } from "preact/hooks";
import type { Snapshot } from "../../../sdk/index.ts";
import { api } from "../../state/access.ts";
import { attempt, notify } from "../../state/notices.ts";
import { go } from "../../state/place.ts";
import { putSession } from "../../state/session-list.ts";
import { useLoaded } from "../../state/use-loaded.ts";
import { ConfirmDialog } from "../../parts/confirm-dialog.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { formatBytes } from "../../parts/format.ts";
import { Empty } from "../../parts/problem.tsx";
import { Show } from "../../parts/show.tsx";
import { Ago } from "../../parts/time-left.tsx";
import type { TabProps } from "./tab-props.ts";
import { SnapshotDiffView } from "./snapshot-diff.tsx";

const REASON: Readonly<Record<Snapshot["reason"], string>> = {
  requested: "asked for",
  save: "saved by itself",
  "deep-sleep": "to sleep",
  terminating: "as its container ended",
  "before-restore": "before a restore",
  restore: "after a restore",
  fork: "for a fork",
};

type Asked = { readonly what: "restore" | "delete" | "diff"; readonly snapshot: Snapshot };

export function Snapshots({ session, loader: sessionLoader }: TabProps) {
  const sessionId = session.id;
  const loader = useLoaded(
    (signal) => api().snapshots.list({ sessionId, limit: 100 }, { signal }),
    [sessionId, session.savedAt],
  );
  const [label, setLabel] = useState("");
  const [busy, setBusy] = useState(false);
  const [asked, setAsked] = useState<Asked | null>(null);
  const close = (): void => setAsked(null);

  const change = async (what: string, work: () => Promise<unknown>): Promise<boolean> => {
    setBusy(true);
    const done = await attempt(what, work);
    setBusy(false);
    if (done) await Promise.all([loader.reload(), sessionLoader.reload()]);
    return done;
  };
  const checkpoint = async (): Promise<void> => {
    const text = label.trim();
    const input = text === "" ? { sessionId } : { sessionId, label: text };
    if (await change("No snapshot was taken", () => api().snapshots.create(input))) setLabel("");
  };
  const restore = async (snapshotId: string): Promise<void> => {
    close();
    await change("Not restored", async () => {
      const { previousSnapshotId } = await api().snapshots.restore({ sessionId, snapshotId });
      const undo = (): void => void restore(previousSnapshotId);
      notify({ kind: "done", text: "Its files are as they were then", action: { label: "Undo", run: undo } }, 20_000);
    });
  };
  const fork = (snapshotId: string): Promise<boolean> =>
    change("Not forked", async () => {
      const forked = await api().sessions.fork({ sessionId, snapshotId });
      putSession(forked);
      notify({ kind: "done", text: "Forked. This is the new session" });
      go({ page: "session", session: forked.id, tab: "overview" });
    });
  const remove = async (snapshotId: string): Promise<void> => {
    close();
    await change("Not deleted", () => api().snapshots.delete({ sessionId, snapshotId }));
  };

  return (
    <div class="stack">
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          void checkpoint();
        }}
      >
        <input
          class="label"
          aria-label="Label"
          placeholder="Label, such as: before the upgrade"
          maxLength={100}
          value={label}
          onInput={(event) => setLabel(event.currentTarget.value)}
        />
        <button type="submit" class="primary" disabled={busy}>
          {busy ? "Working…" : "Take a snapshot"}
        </button>
        <span class="muted">With a label it stays until it is deleted; of the others the last five are kept.</span>
      </form>
      <Show of={loader} what="snapshots">
        {({ snapshots }) =>
          snapshots.length === 0 ? (
            <Empty title="No snapshot yet">
              <p>One is taken by itself soon after files have changed, and before the session sleeps.</p>
            </Empty>
          ) : (
            <ul class="cards">
              {snapshots.map((snapshot) => (
                <SnapshotCard
                  key={snapshot.snapshotId}
                  of={snapshot}
                  busy={busy}
                  fork={() => void fork(snapshot.snapshotId)}
                  ask={(what) => setAsked({ what, snapshot })}
                />
              ))}
            </ul>
          )
        }
      </Show>
      {asked?.what === "diff" && (
        <Dialog title="What has changed since" onClose={close}>
          <SnapshotDiffView
            sessionId={sessionId}
            from={asked.snapshot}
            others={(loader.state.value.value?.snapshots ?? []).filter(
              ({ snapshotId }) => snapshotId !== asked.snapshot.snapshotId,
            )}
          />
        </Dialog>
      )}
      {asked !== null && asked.what !== "diff" && (
        <ConfirmDialog
          title={asked.what === "restore" ? "Restore this snapshot?" : "Delete this snapshot?"}
          button={asked.what === "restore" ? "Restore" : "Delete"}
          onClose={close}
          run={() => void (asked.what === "restore" ? restore : remove)(asked.snapshot.snapshotId)}
        >
          {asked.what === "restore"
            ? "All files become what they were then, and what runs ends. A snapshot is taken first, so that it can be undone."
            : "It cannot be restored any more. Other snapshots, and forks, keep what they share with it."}
        </ConfirmDialog>
      )}
    </div>
  );
}

interface SnapshotCardProps {
  readonly of: Snapshot;
  readonly busy: boolean;
  readonly fork: () => void;
  readonly ask: (what: Asked["what"]) => void;
}

function SnapshotCard({ of: snapshot, busy, fork, ask }: SnapshotCardProps) {
  const { snapshotId, label, reason, createdAt, files, sizeBytes, storedBytes, verifiedAt, damaged, skippedCount } =
    snapshot;
  const name = label ?? REASON[reason];
  return (
    <li class="card">
      <div class="row">
        <strong class="wrap">{name}</strong>
        {label !== null && <span class="tag">labelled</span>}
        <Ago at={createdAt} />
        <span class="spacer" />
        <span class="actions">
          <button type="button" aria-label={`Changes since ${name}`} onClick={() => ask("diff")}>
            Changes
          </button>
          <button type="button" disabled={busy || damaged !== null} aria-label={`Fork ${name}`} onClick={fork}>
            Fork
          </button>
          <button
            type="button"
            disabled={busy || damaged !== null}
            aria-label={`Restore ${name}`}
            onClick={() => ask("restore")}
          >
            Restore
          </button>
          <button
            type="button"
            class="danger"
            disabled={busy}
            aria-label={`Delete ${name}`}
            onClick={() => ask("delete")}
          >
            Delete
          </button>
        </span>
      </div>
      <p class="muted">
        {files} {files === 1 ? "file" : "files"}, {formatBytes(sizeBytes)} · {formatBytes(storedBytes)} stored ·{" "}
        {verifiedAt === null ? (
          "not verified yet"
        ) : (
          <>
            verified <Ago at={verifiedAt} />
          </>
        )}
        {skippedCount > 0 && ` · ${skippedCount} that cannot be saved left out`} · <code>{snapshotId}</code>
      </p>
      {damaged !== null && <p class="problem">Damaged: {damaged}. It is never restored.</p>}
    </li>
  );
}
