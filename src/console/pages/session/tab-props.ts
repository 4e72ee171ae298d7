// What every tab of a session is given.
import type { SessionInfo } from "../../../sdk/index.ts";
import type { Loader } from "../../state/loaded.ts";

/** `loader` has the session; a tab that changed it reloads it. */
export interface TabProps {
  readonly session: SessionInfo;
  readonly loader: Loader<SessionInfo>;
}
