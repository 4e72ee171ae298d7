// A session's state in a word.
import type { SessionState } from "../../sdk/contract.ts";

const MEANING: Readonly<Record<SessionState, string>> = {
  active: "Its container runs",
  idle: "Its processes are frozen; the next request goes on with them",
  "deep-sleep": "Its files are saved, its container is released; the next request wakes it",
};
const LABEL: Readonly<Record<SessionState, string>> = { active: "active", idle: "idle", "deep-sleep": "deep sleep" };

/** A session's state, told by shape and word as well as by colour. */
export function StateBadge({ state }: { readonly state: SessionState }) {
  return (
    <span class={`badge state-${state}`} title={MEANING[state]}>
      <span class="dot" aria-hidden="true" />
      {LABEL[state]}
    </span>
  );
}
