// The list of all sessions: searched, filtered, gone through by keys.
import { computed, signal, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Session } from "../../sdk/index.ts";
import { deleteWithUndo } from "../state/deletion.ts";
import { go } from "../state/place.ts";
import { details } from "../state/session-details.ts";
import { matches } from "../state/session-filter.ts";
import type { SessionFilter } from "../state/session-filter.ts";
import { hidden, sessions } from "../state/session-list.ts";
import { useShortcuts } from "../state/shortcuts.ts";
import { Empty } from "../parts/problem.tsx";
import { Show } from "../parts/show.tsx";
import { VirtualList } from "../parts/virtual-list.tsx";
import { NewSession } from "./sessions/new-session.tsx";
import { SessionRow } from "./sessions/session-row.tsx";

const ROW_HEIGHT = 56;

const filter = signal<SessionFilter>({ text: "", state: "all" });
const selected = signal(0);
const isCreating = signal(false);
const shown = computed(() =>
  (sessions.state.value.value ?? []).filter(
    (session) => !hidden.value.has(session.id) && matches(session, filter.value),
  ),
);

function open(session: Session | undefined): void {
  if (session !== undefined) go({ page: "session", session: session.name ?? session.id, tab: "overview" });
}

function move(by: number): void {
  selected.value = Math.max(0, Math.min(shown.value.length - 1, selected.value + by));
}

export function SessionsPage() {
  const search = useRef<HTMLInputElement>(null);
  useShortcuts(
    [
      { key: "j", does: "next session", run: () => move(1) },
      { key: "k", does: "previous session", run: () => move(-1) },
      { key: "Enter", does: "open the session", run: () => open(shown.value[selected.value]) },
      { key: "/", does: "search", run: () => search.current?.focus() },
      { key: "n", does: "new session", run: () => (isCreating.value = true) },
    ],
    [],
  );
  useSignalEffect(() => {
    if (selected.value >= shown.value.length) selected.value = Math.max(0, shown.value.length - 1);
  });
  return (
    <div class="page sessions">
      <div class="page-head">
        <h1>Sessions</h1>
        <input
          ref={search}
          type="search"
          aria-label="Search by name, id, tag, description or metadata"
          placeholder="Search: name, id, tag, key:value"
          value={filter.value.text}
          onInput={(event) => (filter.value = { ...filter.value, text: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key === "Escape" || event.key === "Enter") event.currentTarget.blur();
          }}
        />
        <select
          aria-label="State"
          value={filter.value.state}
          onChange={(event) =>
            (filter.value = { ...filter.value, state: event.currentTarget.value as SessionFilter["state"] })
          }
        >
          <option value="all">all states</option>
          <option value="active">active</option>
          <option value="idle">idle</option>
          <option value="deep-sleep">deep sleep</option>
        </select>
        <button type="button" class="primary" onClick={() => (isCreating.value = true)}>
          New session
        </button>
      </div>
      <Show of={sessions} what="sessions">
        {(all) => (all.length === 0 ? <NoSessions /> : shown.value.length === 0 ? <NoMatch /> : <List />)}
      </Show>
      {isCreating.value && <NewSession onClose={() => (isCreating.value = false)} />}
    </div>
  );
}

function List() {
  return (
    <div class="table" role="region" aria-label={`${shown.value.length} sessions`}>
      <div class="session-row head" aria-hidden="true">
        <span>session</span>
        <span>state</span>
        <span>age</span>
        <span>time left</span>
        <span>memory</span>
        <span>disk</span>
        <span>preview</span>
        <span />
      </div>
      <VirtualList
        label="Sessions"
        items={shown.value}
        rowHeight={ROW_HEIGHT}
        keyOf={({ id }) => id}
        selected={selected.value}
        class="rows"
      >
        {(session, index) => (
          <SessionRow
            session={session}
            info={details.value.get(session.id) ?? null}
            isSelected={index === selected.value}
            onDelete={() => deleteWithUndo(session)}
          />
        )}
      </VirtualList>
    </div>
  );
}

function NoSessions() {
  return (
    <Empty title="No session yet">
      <p>A session is a Bun machine with its own files, processes and web address. It sleeps when nobody uses it.</p>
      <button type="button" class="primary" onClick={() => (isCreating.value = true)}>
        Create the first one
      </button>
    </Empty>
  );
}

function NoMatch() {
  return (
    <Empty title="No session matches">
      <button type="button" onClick={() => (filter.value = { text: "", state: "all" })}>
        Show all
      </button>
    </Empty>
  );
}
