// One session: its name, what can be done with it, and its tabs.
import type { ComponentType } from "preact";
import type { SessionInfo } from "../../sdk/index.ts";
import { api } from "../state/access.ts";
import { pathOf, SESSION_TABS } from "../state/route.ts";
import type { SessionTab } from "../state/route.ts";
import { histories } from "../state/session-list.ts";
import { useLoaded } from "../state/use-loaded.ts";
import { CopyButton } from "../parts/copy-button.tsx";
import { lazy } from "../parts/lazy.tsx";
import { Empty } from "../parts/problem.tsx";
import { Show } from "../parts/show.tsx";
import { StateBadge } from "../parts/state-badge.tsx";
import { Tabs } from "../parts/tabs.tsx";
import { SessionActions } from "./session/actions.tsx";
import type { TabProps } from "./session/tab-props.ts";
import { useEffect } from "preact/hooks";

const TABS: Readonly<Record<SessionTab, ComponentType<TabProps>>> = {
  overview: lazy("the overview", async () => (await import("./session/overview.tsx")).Overview),
  run: lazy("the editor", async () => (await import("./session/run.tsx")).Run),
  terminal: lazy("the terminal", async () => (await import("./session/terminal.tsx")).TerminalTab),
  files: lazy("the files", async () => (await import("./session/files.tsx")).Files),
  preview: lazy("the preview", async () => (await import("./session/preview.tsx")).Preview),
  processes: lazy("the processes", async () => (await import("./session/processes.tsx")).Processes),
  snapshots: lazy("the snapshots", async () => (await import("./session/snapshots.tsx")).Snapshots),
};

/** Asked again after this: what a session does by itself is told by events, what is in it changes quietly. */
const REFRESH_MS = 10_000;

export function SessionPage({ session, tab }: { readonly session: string; readonly tab: SessionTab }) {
  const load = (signal: AbortSignal): Promise<SessionInfo> => api().sessions.info({ sessionId: session }, { signal });
  const loader = useLoaded(load, [session], { everyMs: REFRESH_MS });
  const event = histories.value.get(loader.state.value.value?.id ?? session)?.at(-1);
  useEffect(() => {
    if (event !== undefined) void loader.reload();
  }, [event?.id]);
  if (loader.state.value.error?.code === "session_not_found") {
    return (
      <Empty title={`There is no session ${session}`}>
        <p>It has expired, was deleted, or never was.</p>
        <a href={pathOf({ page: "sessions" })}>All sessions</a>
      </Empty>
    );
  }
  const Tab = TABS[tab];
  return (
    <div class="page session">
      <Show of={loader} what="the session">
        {(info) => (
          <>
            <div class="page-head">
              <h1 class="session-name">{info.name ?? info.id}</h1>
              <CopyButton text={info.id} label="the session's id" />
              <StateBadge state={info.state} />
              <span class="spacer" />
              <SessionActions session={info} loader={loader} />
            </div>
            <Tabs
              label="Session"
              names={SESSION_TABS}
              current={tab}
              hrefOf={(name) => pathOf({ page: "session", session, tab: name })}
            />
            <section class={`tab tab-${tab}`} aria-label={tab}>
              <Tab session={info} loader={loader} />
            </section>
          </>
        )}
      </Show>
    </div>
  );
}
