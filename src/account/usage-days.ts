// The table of what each session used on each UTC day. Of sessions that were made for one execution, only the sum of a
// day is kept once they are gone.
import { USAGE_DAYS } from "../contract/limits.ts";
import type { Usage, UsageReport } from "../contract/usage.ts";
import { dayBefore, dayOf, TOTAL_NAMES } from "../lib/meter.ts";
import type { DayTotals, Totals } from "../lib/meter.ts";
import type { Database } from "./database.ts";
import type { MeterReport, UsageRange } from "./usage-rpc.ts";

/** What has not been reported yet. */
export interface OpenDay extends DayTotals {
  /** Null: made for one execution. */
  readonly sessionId: string | null;
}

/** Stands for all that were made for one execution. */
const ONE_SHOTS = "one-shot";

const COLUMNS: Readonly<Record<keyof Totals, string>> = {
  activeMs: "active_ms",
  idleMs: "idle_ms",
  asleepMs: "asleep_ms",
  vcpuMs: "vcpu_ms",
  gibMs: "gib_ms",
  storedGibMs: "stored_gib_ms",
  egressBytes: "egress_bytes",
  executions: "executions",
};
const NAMES = TOTAL_NAMES.map((name) => COLUMNS[name]);
const SUMS = NAMES.map((name) => `total(${name}) AS ${name}`).join(", ");
const FROM_JSON = TOTAL_NAMES.map((name) => `value ->> '$.totals.${name}' AS ${COLUMNS[name]}`).join(", ");
/** What is stored, and what is not reported yet, on days between two. */
const ALL = `(
  SELECT day, CASE one_shot WHEN 1 THEN '${ONE_SHOTS}' ELSE session_id END AS session_id, ${NAMES.join(", ")}
    FROM usage_day WHERE day BETWEEN ?1 AND ?2
  UNION ALL
  SELECT value ->> 'day' AS day, coalesce(value ->> 'sessionId', '${ONE_SHOTS}') AS session_id, ${FROM_JSON}
    FROM json_each(?3) WHERE value ->> 'day' BETWEEN ?1 AND ?2)`;

type Row = Record<string, number | string>;

export class UsageDays {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Of each figure, the larger one counts. */
  merge({ sessionId, oneShot, days }: MeterReport): void {
    const larger = NAMES.map((name) => `${name} = max(${name}, excluded.${name})`).join(", ");
    const values = ["?", "?", "?", ...NAMES.map(() => "?")].join(", ");
    for (const { day, totals } of days) {
      this.#database.exec(
        `INSERT INTO usage_day (day, session_id, one_shot, ${NAMES.join(", ")}) VALUES (${values})
         ON CONFLICT (day, session_id) DO UPDATE SET ${larger}`,
        day,
        sessionId,
        Number(oneShot),
        ...TOTAL_NAMES.map((name) => totals[name]),
      );
    }
  }

  query(
    { from, to, by, limit, offset }: UsageRange,
    open: readonly OpenDay[],
    now: number,
  ): Omit<UsageReport, "budget" | "spent"> {
    const first = dayBefore(dayOf(now), USAGE_DAYS - 1);
    const values = [from < first ? first : from, to, JSON.stringify(open)];
    const range = { from, to, by };
    if (!this.#database.ready) {
      return { ...range, totals: usageOf({}), rows: [], total: 0 };
    }
    const [key, order] = by === "day" ? ["day", "day"] : ["session_id", "active_ms DESC, session_id"];
    const [all = {}] = this.#database.exec<Row>(
      `SELECT count(DISTINCT ${key}) AS rows_total, ${SUMS} FROM ${ALL}`,
      ...values,
    );
    const rows = this.#database.exec<Row>(
      `SELECT ${key} AS row_key, ${SUMS} FROM ${ALL} GROUP BY ${key} ORDER BY ${order} LIMIT ?4 OFFSET ?5`,
      ...values,
      limit,
      offset,
    );
    return {
      ...range,
      totals: usageOf(all),
      rows: rows.map((row) => Object.assign(usageOf(row), nameOf(by, String(row["row_key"])))),
      total: Number(all["rows_total"] ?? 0),
    };
  }

  /** Removes what is too old, and joins those made for one execution that were last heard of before `goneBefore`. */
  tidy(goneBefore: number, now: number): void {
    this.#database.exec("DELETE FROM usage_day WHERE day < ?", dayBefore(dayOf(now), USAGE_DAYS - 1));
    const gone = `one_shot = 1 AND session_id IN
      (SELECT id FROM usage_session WHERE one_shot = 1 AND current IS NULL AND reported_at < ?)`;
    const added = NAMES.map((name) => `${name} = ${name} + excluded.${name}`).join(", ");
    this.#database.exec(
      `INSERT INTO usage_day (day, session_id, one_shot, ${NAMES.join(", ")})
       SELECT day, '${ONE_SHOTS}', 1, ${SUMS} FROM usage_day WHERE ${gone} GROUP BY day
       ON CONFLICT (day, session_id) DO UPDATE SET ${added}`,
      goneBefore,
    );
    this.#database.exec(`DELETE FROM usage_day WHERE ${gone}`, goneBefore);
  }
}

function nameOf(by: UsageRange["by"], key: string): { day: string } | { sessionId: string | null } {
  return by === "day" ? { day: key } : { sessionId: key === ONE_SHOTS ? null : key };
}

function usageOf(row: Row): Usage {
  const seconds = (name: keyof Totals): number => Math.round(Number(row[COLUMNS[name]] ?? 0)) / 1000;
  return {
    activeSeconds: seconds("activeMs"),
    idleSeconds: seconds("idleMs"),
    asleepSeconds: seconds("asleepMs"),
    vcpuSeconds: seconds("vcpuMs"),
    gibSeconds: seconds("gibMs"),
    storedGibSeconds: Number(row[COLUMNS.storedGibMs] ?? 0) / 1000,
    egressBytes: Number(row[COLUMNS.egressBytes] ?? 0),
    executions: Number(row[COLUMNS.executions] ?? 0),
  };
}
