// Deletes a session a moment later than asked, so that it can be taken back.
import { api } from "./access.ts";
import { attempt, notify } from "./notices.ts";
import { hidden, sessions } from "./session-list.ts";

const UNDO_MS = 5000;

interface Doomed {
  readonly id: string;
  readonly name: string | null;
}

/** Hides it at once; it is deleted when five seconds have gone by, or the page is left. */
export function deleteWithUndo({ id, name }: Doomed): void {
  hidden.value = new Set([...hidden.peek(), id]);
  const show = (): void => {
    hidden.value = new Set([...hidden.peek()].filter((each) => each !== id));
  };
  const stop = (): void => {
    clearTimeout(timer);
    removeEventListener("pagehide", now);
  };
  const now = (): void => {
    stop();
    void attempt(`${name ?? id} was not deleted`, async () => {
      await api().sessions.delete({ sessionId: id });
      await sessions.reload();
    }).finally(show);
  };
  const timer = setTimeout(now, UNDO_MS);
  addEventListener("pagehide", now);
  notify(
    {
      kind: "done",
      text: `${name ?? id} is being deleted with all its files`,
      action: {
        label: "Undo",
        run: () => {
          stop();
          show();
        },
      },
    },
    UNDO_MS,
  );
}
