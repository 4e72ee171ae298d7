// `npm run bench -- --scale`: what a hundred thousand sessions cost in a month, from a day of some thousand of them that is
// played through by the platform's own machine. Nothing is measured. The tables are in docs/scale.md, with where the prices
// are from and what the first limits are.
import type { Timing } from "../../src/session/state.ts";
import { simulateDay, workspaceOf } from "./scale-day.ts";
import type { Counts } from "./scale-day.ts";

const SESSIONS = 100_000;
const PLAYED = 2000;
const DAYS = 30;
const MB = 1_000_000;
const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;
/** As in wrangler.toml. */
const TIMING: Timing = { idleAfterMs: 5 * MINUTE_MS, deepSleepAfterMs: 30 * MINUTE_MS, saveAfterMs: 20_000 };
/** A container of the smallest type that has a session's default resources. */
const CONTAINER = { memoryGib: 1, vcpu: 0.25, diskGb: 4 } as const;
const OBJECT_GB = 0.128;

/** US dollars. */
const PRICE = {
  objectRequests: 0.15e-6,
  objectGbSeconds: 12.5e-6,
  rowsWritten: 1e-6,
  rowGbMonth: 0.2,
  classA: 4.5e-6,
  classB: 0.36e-6,
  r2GbMonth: 0.015,
  vcpuSeconds: 20e-6,
  gibSeconds: 2.5e-6,
  diskGbSeconds: 0.07e-6,
} as const;

/** Hourly, each with a listing; and each repository by itself once a week. */
const SWEPT_PER_HOUR = 400;
/** Background reading: every object once a week. */
const READS_PER_OBJECT = DAYS / 7;
/** An object with a database, and one row per object of its snapshots. */
const DATABASE_BYTES = 40_000;

interface Population {
  readonly name: string;
  /** Of all sessions, those that are used on a day. */
  readonly used: number;
  /** Visits of such a session, and the calls of one. */
  readonly visits: number;
  readonly calls: number;
  /** Between two calls of a visit. */
  readonly pauseMs: number;
  readonly workspaceMb: number;
}

const USUAL: Population = { name: "usual", used: 0.3, visits: 3, calls: 30, pauseMs: 20_000, workspaceMb: 20 };
const POPULATIONS: readonly Population[] = [
  USUAL,
  { ...USUAL, name: "all asleep", used: 0 },
  { ...USUAL, name: "all used", used: 1 },
  { ...USUAL, name: "ten times the bytes", workspaceMb: 200 },
  { ...USUAL, name: "ten times the calls, as fast", calls: 300 },
  { ...USUAL, name: "ten times the pause", pauseMs: 200_000 },
];

/** The same numbers in every run (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Visits at random times, pauses of any length around the usual one. */
function callsOf({ visits, calls, pauseMs }: Population, random: () => number): number[] {
  const times = Array.from({ length: visits }, () => {
    let at = random() * DAY_MS;
    return Array.from({ length: calls }, () => (at += -Math.log(1 - random()) * pauseMs));
  });
  return times
    .flat()
    .filter((at) => at < DAY_MS)
    .toSorted((one, other) => one - other);
}

/** Of all sessions, per month. */
function play(population: Population): Counts {
  const random = randomOf(1);
  const workspace = workspaceOf(population.workspaceMb * MB);
  const days = Array.from({ length: PLAYED }, (_, index) =>
    simulateDay(index < population.used * PLAYED ? callsOf(population, random) : [], workspace, TIMING),
  );
  const factor = (SESSIONS / PLAYED) * DAYS;
  const total = (name: keyof Counts): number => days.reduce((sum, day) => sum + day[name], 0) * factor;
  const sweeps = SWEPT_PER_HOUR * 24 * DAYS + (SESSIONS * DAYS) / 7;
  return {
    calls: total("calls"),
    alarms: total("alarms"),
    saves: total("saves"),
    sleeps: total("sleeps"),
    wakes: total("wakes"),
    objectRequests: total("objectRequests") + sweeps,
    rowsWritten: total("rowsWritten") + SESSIONS * workspace.objects * READS_PER_OBJECT * 2,
    classA: total("classA") + sweeps,
    classB: total("classB") + SESSIONS * workspace.objects * READS_PER_OBJECT,
    containerSeconds: total("containerSeconds"),
    busySeconds: total("busySeconds"),
    objectSeconds: total("objectSeconds"),
  };
}

function bill(counts: Counts, { workspaceMb }: Population): readonly (readonly [what: string, dollars: number])[] {
  const { containerSeconds } = counts;
  return [
    ["containers: memory", containerSeconds * CONTAINER.memoryGib * PRICE.gibSeconds],
    ["containers: disk", containerSeconds * CONTAINER.diskGb * PRICE.diskGbSeconds],
    ["containers: CPU", counts.busySeconds * CONTAINER.vcpu * PRICE.vcpuSeconds],
    ["objects: requests", counts.objectRequests * PRICE.objectRequests],
    ["objects: duration", counts.objectSeconds * OBJECT_GB * PRICE.objectGbSeconds],
    ["objects: rows written", counts.rowsWritten * PRICE.rowsWritten],
    ["objects: storage", ((SESSIONS * 2 * DATABASE_BYTES) / 1e9) * PRICE.rowGbMonth],
    ["R2: storage", ((SESSIONS * workspaceMb) / 1000) * PRICE.r2GbMonth],
    ["R2: class A", counts.classA * PRICE.classA],
    ["R2: class B", counts.classB * PRICE.classB],
  ];
}

const count = (value: number): string =>
  value >= 1e9 ? `${(value / 1e9).toFixed(1)} G` : value >= 1e6 ? `${(value / 1e6).toFixed(1)} M` : value.toFixed(0);

function table(rows: readonly (readonly string[])[]): string {
  const line = (row: readonly string[]): string => `| ${row.join(" | ")} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(head.map(() => "---")), ...body.map(line)].join("\n");
}

const results = POPULATIONS.map((population) => ({ population, counts: play(population) }));
const bills = results.map(({ counts, population }) => bill(counts, population));
const totals = bills.map((items) => items.reduce((sum, [, dollars]) => sum + dollars, 0));
const names = results.map(({ population }) => population.name);
const LINES: readonly (readonly [what: string, of: (counts: Counts) => number])[] = [
  ["calls", ({ calls }) => calls],
  ["saves of a change", ({ saves }) => saves],
  ["deep sleeps", ({ sleeps }) => sleeps],
  ["alarms", ({ alarms }) => alarms],
  ["object requests, alarms included", ({ objectRequests }) => objectRequests],
  ["rows written", ({ rowsWritten }) => rowsWritten],
  ["R2 class A", ({ classA }) => classA],
  ["R2 class B", ({ classB }) => classB],
  ["containers awake, on average", ({ containerSeconds }) => containerSeconds / (DAYS * 86_400)],
  ["objects in memory, on average", ({ objectSeconds }) => objectSeconds / (DAYS * 86_400)],
];

console.log(`${SESSIONS} sessions, per month\n`);
console.log(
  table([["", ...names], ...LINES.map(([what, of]) => [what].concat(results.map(({ counts }) => count(of(counts)))))]),
);
console.log("\nUS dollars per month\n");
console.log(
  table([
    ["", ...names],
    ...(bills[0] ?? []).map(([what], row) => [what].concat(bills.map((items) => (items[row]?.[1] ?? 0).toFixed(0)))),
    ["together", ...totals.map((total) => total.toFixed(0))],
    ["per session", ...totals.map((total) => (total / SESSIONS).toFixed(3))],
  ]),
);
