// What a run in a context is told of the loss of the session's container: that only this object knows.
import type { ExecuteCommand } from "../contract/supervisor.ts";
import { SAVED_FIRST } from "./termination-watch.ts";
import type { SessionStore } from "./store.ts";

export function lossOf(store: Pick<SessionStore, "loadFact">): Pick<ExecuteCommand, "loss"> {
  const loss = store.loadFact("lastLoss");
  if (loss === null || loss.reason === SAVED_FIRST) {
    return {};
  }
  const at = new Date(loss.at).toISOString();
  const kept =
    loss.savedAt === null ? "nothing of it was saved" : `what is left is of ${new Date(loss.savedAt).toISOString()}`;
  return { loss: { at, reason: `the session's container was lost (${loss.reason}); ${kept}` } };
}
