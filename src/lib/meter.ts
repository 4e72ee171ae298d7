// What a session has used, counted: (reading, now) → reading. Pure. Totals only ever grow, and are kept by UTC day, so that
// whoever is told of them twice, or late, takes the larger of two figures and has counted nothing twice. A clock that was
// set back counts nothing until it has caught up.
import { METER_RATES, USAGE_DAYS } from "../contract/limits.ts";

/** By what it costs: a container that runs, one that is frozen, none. */
export type MeterKind = keyof typeof METER_RATES;

/** What one second of a session takes at this time. */
export interface Levels {
  readonly cpu: number;
  readonly memoryGib: number;
  readonly storedGib: number;
}

export const TOTAL_NAMES = [
  "activeMs",
  "idleMs",
  "asleepMs",
  "vcpuMs",
  "gibMs",
  "storedGibMs",
  "egressBytes",
  "executions",
] as const;
export type Totals = Readonly<Record<(typeof TOTAL_NAMES)[number], number>>;

/** Totals of one UTC day, such as `2026-01-31`. */
export interface DayTotals {
  readonly day: string;
  readonly totals: Totals;
}

/** What the time since `at` is counted as. */
export interface Current {
  readonly kind: MeterKind;
  readonly levels: Levels;
  readonly at: number;
}

export interface Reading {
  readonly current: Current;
  /** Oldest first, those that may be missing elsewhere; the last one is that of `current.at`, or older. */
  readonly days: readonly DayTotals[];
  /** Of its whole life, what a budget can be about. */
  readonly activeMs: number;
  readonly executions: number;
}

export const NO_TOTALS: Totals = {
  activeMs: 0,
  idleMs: 0,
  asleepMs: 0,
  vcpuMs: 0,
  gibMs: 0,
  storedGibMs: 0,
  egressBytes: 0,
  executions: 0,
};

const DAY_MS = 86_400_000;

export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** The day so many days before another. */
export function dayBefore(day: string, days: number): string {
  return dayOf(Date.parse(day) - days * DAY_MS);
}

export function add(one: Totals, other: Totals): Totals {
  const sum = { ...NO_TOTALS };
  for (const name of TOTAL_NAMES) {
    sum[name] = one[name] + other[name];
  }
  return sum;
}

/** What the time from `current.at` to `now` comes to, by day. Nothing when that is in the past. */
export function elapsed({ kind, levels, at }: Current, now: number): DayTotals[] {
  const rates = METER_RATES[kind];
  const days: DayTotals[] = [];
  let from = Math.max(at, now - USAGE_DAYS * DAY_MS);
  while (from < now) {
    const to = Math.min(now, (Math.floor(from / DAY_MS) + 1) * DAY_MS);
    const ms = to - from;
    const totals = {
      ...NO_TOTALS,
      [`${kind}Ms`]: ms,
      vcpuMs: ms * levels.cpu * rates.cpu,
      gibMs: ms * levels.memoryGib * rates.memory,
      storedGibMs: ms * levels.storedGib,
    };
    days.push({ day: dayOf(from), totals });
    from = to;
  }
  return days;
}

/** Counts the time until now. */
export function advance(reading: Reading, now: number): Reading {
  const passed = elapsed(reading.current, now);
  return {
    current: { ...reading.current, at: Math.max(reading.current.at, now) },
    days: passed.reduce(entered, reading.days),
    activeMs: passed.reduce((sum, { totals }) => sum + totals.activeMs, reading.activeMs),
    executions: reading.executions,
  };
}

/** Counts the time until now; what follows is counted as `next`. */
export function turn(reading: Reading, next: Omit<Current, "at">, now: number): Reading {
  const advanced = advance(reading, now);
  return { ...advanced, current: { ...next, at: advanced.current.at } };
}

/** The time until now is not counted: nobody knows when its container ended. */
export function skip(reading: Reading, next: Omit<Current, "at">, now: number): Reading {
  return { ...reading, current: { ...next, at: Math.max(reading.current.at, now) } };
}

/** Counts what has no duration, on the day of the reading. */
export function count(reading: Reading, used: { readonly executions: number; readonly egressBytes: number }): Reading {
  const totals = { ...NO_TOTALS, ...used };
  return {
    ...reading,
    days: entered(reading.days, { day: dayOf(reading.current.at), totals }),
    executions: reading.executions + used.executions,
  };
}

/** Leaves out the days that are known elsewhere and can grow no more. */
export function forgetDays(reading: Reading): Reading {
  return { ...reading, days: reading.days.slice(-1) };
}

/** A reading does not go back in time, so only its last day grows. */
function entered(days: readonly DayTotals[], { day, totals }: DayTotals): readonly DayTotals[] {
  const last = days.at(-1);
  return last?.day === day
    ? [...days.slice(0, -1), { day, totals: add(last.totals, totals) }]
    : [...days, { day, totals }];
}
