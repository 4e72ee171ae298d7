// The terminals of a session, in tabs.
import { useEffect, useState } from "preact/hooks";
import { api } from "../../state/access.ts";
import { noteOutcome } from "../../state/connection.ts";
import { attempt } from "../../state/notices.ts";
import { lazy } from "../../parts/lazy.tsx";
import { Empty } from "../../parts/problem.tsx";
import { Loading } from "../../parts/show.tsx";
import type { TabProps } from "./tab-props.ts";
import type { TerminalPaneProps } from "./terminal-pane.tsx";

const Pane = lazy<TerminalPaneProps>("the terminal", async () => (await import("./terminal-pane.tsx")).TerminalPane);

interface Tab {
  readonly key: number;
  /** null until it is open. */
  readonly id: string | null;
}

let lastKey = 0;
const tabOf = (id: string | null): Tab => ({ key: ++lastKey, id });

export function TerminalTab({ session, loader }: TabProps) {
  const sessionId = session.id;
  const [tabs, setTabs] = useState<readonly Tab[] | null>(null);
  const [chosen, setChosen] = useState<number | null>(null);
  const add = (): void => {
    const tab = tabOf(null);
    setTabs((before) => [...(before ?? []), tab]);
    setChosen(tab.key);
  };

  // What is open in the session comes back, after a reload or on another machine.
  useEffect(() => {
    const abort = new AbortController();
    const look = async (): Promise<void> => {
      let open: readonly Tab[] = [];
      try {
        const { terminals } = await api().terminal.list({ sessionId, limit: 100 }, { signal: abort.signal });
        open = terminals.filter(({ exit }) => exit === null).map(({ id }) => tabOf(id));
      } catch (error) {
        noteOutcome(error);
      }
      if (abort.signal.aborted) return;
      setTabs(open);
      setChosen(open[0]?.key ?? null);
    };
    void look();
    return () => abort.abort();
  }, [sessionId]);

  if (tabs === null) return <Loading what="the terminals" />;
  if (tabs.length === 0) {
    return (
      <Empty title={session.state === "deep-sleep" ? "The session sleeps" : "No terminal is open"}>
        {session.state === "deep-sleep" && <p>Its terminals ended when it fell asleep. A new one wakes it.</p>}
        <button type="button" class="primary" onClick={add}>
          Open a terminal
        </button>
      </Empty>
    );
  }

  // Where the chosen one was closed, the newest.
  const shown = tabs.find(({ key }) => key === chosen) ?? tabs.at(-1);
  const close = async ({ key, id }: Tab): Promise<void> => {
    if (id !== null) await attempt("Not closed", () => api().terminal.close({ sessionId, terminalId: id }));
    setTabs((before) => before?.filter((tab) => tab.key !== key) ?? null);
  };
  const opened = (key: number, id: string): void => {
    setTabs((before) => before?.map((tab) => (tab.key === key ? { key, id } : tab)) ?? null);
    void loader.reload();
  };
  return (
    <div class="terminals">
      <div class="terminal-tabs">
        <div role="tablist" aria-label="Terminals">
          {tabs.map((tab, index) => (
            <button
              key={tab.key}
              type="button"
              role="tab"
              aria-selected={tab === shown}
              onClick={() => setChosen(tab.key)}
            >
              terminal {index + 1}
            </button>
          ))}
        </div>
        <button type="button" class="quiet" aria-label="New terminal" title="New terminal" onClick={add}>
          +
        </button>
        <button
          type="button"
          class="quiet"
          aria-label="Close this terminal"
          title="End its program and close it"
          onClick={() => {
            if (shown !== undefined) void close(shown);
          }}
        >
          ✕
        </button>
        <span class="spacer" />
        <span class="muted">Ctrl-Shift-Esc leaves the terminal</span>
      </div>
      {tabs.map((tab) => (
        <Pane
          key={tab.key}
          sessionId={sessionId}
          id={tab.id}
          isShown={tab === shown}
          onOpen={(id) => opened(tab.key, id)}
          onAgain={add}
        />
      ))}
    </div>
  );
}
