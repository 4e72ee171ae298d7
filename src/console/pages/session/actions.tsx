// Wake, sleep, extend, delete.
import type { SessionInfo } from "../../../sdk/index.ts";
import { api } from "../../state/access.ts";
import { deleteWithUndo } from "../../state/deletion.ts";
import type { Loader } from "../../state/loaded.ts";
import { attempt, notify } from "../../state/notices.ts";
import { go } from "../../state/place.ts";
import { formatSpan } from "../../parts/format.ts";
import { TimeLeft } from "../../parts/time-left.tsx";

/** What can be done with a session as a whole. */
export function SessionActions({
  session,
  loader,
}: {
  readonly session: SessionInfo;
  readonly loader: Loader<SessionInfo>;
}) {
  const sessionId = session.id;
  const lifetimeS = Math.round((Date.parse(session.expiresAt) - Date.parse(session.createdAt)) / 1000);
  const extend = (): Promise<boolean> =>
    attempt("Not extended", async () => {
      // Each time it grows by what has passed, up to what the plan allows.
      const { limits } = await api().account.get();
      const ttl = Math.min(lifetimeS, limits.ttlMaxSeconds);
      await api().sessions.update({ sessionId, ttl });
      await loader.reload();
      notify({ kind: "done", text: `It is gone in ${formatSpan(ttl * 1000)} now, unless it is extended again` });
    });
  const sleep = (): Promise<boolean> =>
    attempt("It does not sleep", async () => {
      await api().sessions.sleep({ sessionId });
      await loader.reload();
    });
  const wake = (): Promise<boolean> =>
    attempt("Not woken", async () => {
      await api().sessions.wake({ sessionId });
      await loader.reload();
    });
  return (
    <span class="actions">
      <span class="muted">
        <TimeLeft until={session.expiresAt} done="expired" /> left
      </span>
      {session.state !== "active" && (
        <button type="button" onClick={() => void wake()}>
          Wake
        </button>
      )}
      {session.state !== "deep-sleep" && (
        <button type="button" onClick={() => void sleep()}>
          Sleep now
        </button>
      )}
      <button type="button" onClick={() => void extend()}>
        Extend
      </button>
      <button
        type="button"
        class="danger"
        onClick={() => {
          deleteWithUndo(session);
          go({ page: "sessions" });
        }}
      >
        Delete
      </button>
    </span>
  );
}
