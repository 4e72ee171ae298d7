// The life of a session, what comes next in it, and what it has.
import { useMemo } from "preact/hooks";
import type { SessionInfo } from "../../../sdk/index.ts";
import { api } from "../../state/access.ts";
import { now } from "../../state/clock.ts";
import { histories } from "../../state/session-list.ts";
import { useLoaded } from "../../state/use-loaded.ts";
import { CopyButton } from "../../parts/copy-button.tsx";
import { formatBytes, formatSpan, formatTime } from "../../parts/format.ts";
import { Meter } from "../../parts/meter.tsx";
import { Show } from "../../parts/show.tsx";
import { Ago, TimeLeft } from "../../parts/time-left.tsx";
import type { TabProps } from "./tab-props.ts";
import { timeLineOf } from "./time-line.ts";
import type { Span, TimeLine } from "./time-line.ts";

const MB = 1024 * 1024;
/** Marks beyond are older than anybody looks for here. */
const MARKS = 60;

export function Overview({ session }: TabProps) {
  const history = histories.value.get(session.id) ?? [];
  const snapshots = useLoaded(
    (signal) => api().snapshots.list({ sessionId: session.id, limit: 50 }, { signal }),
    [session.id, session.savedAt],
  );
  return (
    <div class="stack">
      {session.lastLoss !== null && (
        <p class="problem">
          Its container was lost <Ago at={session.lastLoss.at} /> ({session.lastLoss.reason}).{" "}
          {session.lastLoss.savedAt === null
            ? "Nothing had been saved."
            : `Its files are as they were at ${formatTime(session.lastLoss.savedAt)}.`}
        </p>
      )}
      {session.damagedSnapshots.length > 0 && (
        <p class="problem">{session.damagedSnapshots.length} of its snapshots are damaged; none of them is restored.</p>
      )}
      <NextDeadline session={session} />
      <Show of={snapshots} what="the time line">
        {(list) => <Life session={session} line={timeLineOf(session, history, list.snapshots, now.value)} />}
      </Show>
      <Facts session={session} />
    </div>
  );
}

/** What happens next if nobody does anything. */
function NextDeadline({ session }: { readonly session: SessionInfo }) {
  const { idleAt, deepSleepAt, expiresAt } = session;
  return (
    <dl class="facts">
      {idleAt !== null && (
        <div>
          <dt>idle in</dt>
          <dd>
            <TimeLeft until={idleAt} done="any moment" />
          </dd>
        </div>
      )}
      {deepSleepAt !== null && (
        <div>
          <dt>deep sleep in</dt>
          <dd>
            <TimeLeft until={deepSleepAt} done="any moment" />
          </dd>
        </div>
      )}
      <div>
        <dt>gone in</dt>
        <dd>
          <TimeLeft until={expiresAt} done="any moment" />
        </dd>
      </div>
      <div>
        <dt>last active</dt>
        <dd>
          <Ago at={session.lastActive} />
        </dd>
      </div>
      <div>
        <dt>saved</dt>
        <dd>{session.savedAt === null ? "not yet" : <Ago at={session.savedAt} />}</dd>
      </div>
    </dl>
  );
}

const LABEL: Readonly<Record<Span["state"], string>> = { active: "active", idle: "idle", "deep-sleep": "deep sleep" };
const TONE: Readonly<Record<Span["state"], string>> = {
  active: "tone-active",
  idle: "tone-idle",
  "deep-sleep": "tone-asleep",
};

function Life({ session, line }: { readonly session: SessionInfo; readonly line: TimeLine }) {
  const begin = Date.parse(session.createdAt);
  const end = line.spans.at(-1)?.to ?? begin + 1;
  const place = (at: number): number =>
    ((Math.min(Math.max(at, begin), end) - begin) / Math.max(1, end - begin)) * 1000;
  const totals = useMemo(() => {
    const sums = new Map<Span["state"], number>();
    for (const { state, from, to } of line.spans) sums.set(state, (sums.get(state) ?? 0) + to - from);
    return [...sums];
  }, [line]);
  return (
    <section class="chart" aria-labelledby="life">
      <div class="row">
        <h2 id="life">Its life</h2>
        <span class="legend">
          {totals.map(([state, ms]) => (
            <span key={state} class={TONE[state]}>
              <span class="swatch" aria-hidden="true" /> {LABEL[state]} {formatSpan(ms)}
            </span>
          ))}
        </span>
      </div>
      <svg class="life" viewBox="0 0 1000 40" preserveAspectRatio="none" aria-hidden="true">
        {line.spans.map(({ state, from, to }) => (
          <rect
            key={from}
            class={TONE[state]}
            x={place(from)}
            y={10}
            width={Math.max(1, place(to) - place(from))}
            height={20}
          />
        ))}
        {line.marks
          .filter(({ kind }) => kind !== "execution")
          .map(({ at, kind }) => (
            <rect
              key={`${kind}${at}`}
              class={`mark mark-${kind}`}
              x={place(at) - 1}
              y={kind === "loss" ? 0 : 4}
              width={2}
              height={kind === "loss" ? 40 : 32}
            />
          ))}
      </svg>
      <ol class="marks" aria-label="What happened, newest first" tabIndex={0}>
        {line.marks.slice(0, MARKS).map(({ at, kind, text }) => (
          <li key={`${kind}${at}${text}`}>
            <span class={`mark-name mark-${kind}`}>{text}</span>
            <Ago at={new Date(at).toISOString()} />
          </li>
        ))}
      </ol>
    </section>
  );
}

function Facts({ session }: { readonly session: SessionInfo }) {
  const { resourceLimits: limits, budget, spent } = session;
  return (
    <section class="stack" aria-labelledby="facts">
      <h2 id="facts">What it has</h2>
      {session.diskUsed !== null && (
        <Meter name="disk" value={session.diskUsed} most={limits.disk * MB} format={formatBytes} />
      )}
      {budget?.activeSeconds !== undefined && (
        <Meter
          name="active time"
          value={spent.activeSeconds}
          most={budget.activeSeconds}
          format={(seconds) => formatSpan(seconds * 1000)}
        />
      )}
      {budget?.executions !== undefined && (
        <Meter name="executions" value={spent.executions} most={budget.executions} format={String} />
      )}
      <dl class="facts">
        <div>
          <dt>memory</dt>
          <dd>{formatBytes(limits.memory * MB)}</dd>
        </div>
        <div>
          <dt>CPU</dt>
          <dd>{limits.cpu} vCPU</dd>
        </div>
        <div>
          <dt>files</dt>
          <dd>{session.filesCount ?? "–"}</dd>
        </div>
        <div>
          <dt>processes</dt>
          <dd>{session.activeProcesses}</dd>
        </div>
        <div>
          <dt>preview</dt>
          <dd>{session.preview}</dd>
        </div>
        <div>
          <dt>internet</dt>
          <dd>{session.internet ? "yes" : "no"}</dd>
        </div>
      </dl>
      <p class="row">
        <a href={session.previewUrl} target="_blank" rel="noreferrer" class="wrap">
          {session.previewUrl}
        </a>
        <CopyButton text={session.previewUrl} label="the preview's address" />
      </p>
      {session.description !== "" && <p class="wrap">{session.description}</p>}
      {session.tags.length > 0 && (
        <p class="row">
          {session.tags.map((tag) => (
            <span key={tag} class="tag">
              {tag}
            </span>
          ))}
        </p>
      )}
      {Object.keys(session.metadata).length > 0 && (
        <pre class="metadata" tabIndex={0}>
          {JSON.stringify(session.metadata, null, 2)}
        </pre>
      )}
    </section>
  );
}
