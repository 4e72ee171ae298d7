// What the account used, by day.
import { useState } from "preact/hooks";
import type { UsageReport } from "../../../sdk/index.ts";
import { api } from "../../state/access.ts";
import { useLoaded } from "../../state/use-loaded.ts";
import { BarChart } from "../../parts/bar-chart.tsx";
import type { Bar } from "../../parts/bar-chart.tsx";
import { formatBytes, formatSpan } from "../../parts/format.ts";
import { Meter } from "../../parts/meter.tsx";
import { Show } from "../../parts/show.tsx";

const DAY_MS = 86_400_000;
const GIB = 1024 ** 3;
const PAGE = 100;
const SPANS = [7, 30, 90] as const;

type Row = UsageReport["rows"][number];

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
const hours = (seconds: number): string => `${(seconds / 3600).toFixed(seconds < 36_000 ? 1 : 0)} h`;

export function Usage() {
  const [days, setDays] = useState<number>(30);
  const loader = useLoaded((signal) => api().usage.get(spanOf(days), { signal }), [days]);
  return (
    <div class="stack">
      <label class="inline">
        Days
        <select value={days} onChange={(event) => setDays(Number(event.currentTarget.value))}>
          {SPANS.map((span) => (
            <option key={span} value={span}>
              last {span}
            </option>
          ))}
        </select>
      </label>
      <Show of={loader} what="usage">
        {(report) => <Report report={report} days={days} />}
      </Show>
    </div>
  );
}

function spanOf(days: number) {
  const now = Date.now();
  return { by: "day", from: dayOf(now - (days - 1) * DAY_MS), to: dayOf(now), limit: PAGE } as const;
}

/** A bar for each day, also for those on which nothing was used. */
function barsOf(report: UsageReport, days: number, values: (row: Row) => readonly number[]): readonly Bar[] {
  const rows = new Map(report.rows.map((row) => [row.day, row]));
  return Array.from({ length: days }, (_, index) => {
    const label = dayOf(Date.parse(report.to) - (days - 1 - index) * DAY_MS);
    const row = rows.get(label);
    return { label, values: row === undefined ? [] : values(row) };
  });
}

function Report({ report, days }: { readonly report: UsageReport; readonly days: number }) {
  const { totals, budget, spent } = report;
  return (
    <>
      <dl class="facts">
        <Fact name="executions" value={totals.executions.toLocaleString()} />
        <Fact name="vCPU time" value={formatSpan(totals.vcpuSeconds * 1000)} />
        <Fact name="memory" value={`${(totals.gibSeconds / 3600).toFixed(2)} GiB h`} />
        <Fact name="egress" value={formatBytes(totals.egressBytes)} />
      </dl>
      <BarChart
        title="Hours by state"
        series={[
          { name: "active", tone: "tone-active" },
          { name: "idle", tone: "tone-idle" },
          { name: "asleep", tone: "tone-asleep" },
        ]}
        bars={barsOf(report, days, (row) => [row.activeSeconds, row.idleSeconds, row.asleepSeconds])}
        format={hours}
      />
      <BarChart
        title="Stored, on average"
        series={[{ name: "stored", tone: "tone-stored" }]}
        bars={barsOf(report, days, (row) => [(row.storedGibSeconds * GIB) / (DAY_MS / 1000)])}
        format={formatBytes}
      />
      <BarChart
        title="Executions"
        series={[{ name: "executions", tone: "tone-active" }]}
        bars={barsOf(report, days, (row) => [row.executions])}
        format={(value) => value.toLocaleString()}
      />
      {budget !== null && (
        <section class="stack">
          <h2>Budget</h2>
          {budget.activeSeconds !== undefined && (
            <Meter name="active time" value={spent.activeSeconds} most={budget.activeSeconds} format={hours} />
          )}
          {budget.executions !== undefined && (
            <Meter name="executions" value={spent.executions} most={budget.executions} format={String} />
          )}
        </section>
      )}
    </>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
