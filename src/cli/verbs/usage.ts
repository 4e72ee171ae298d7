// `buntime usage`: what the account has used.
import { Option } from "commander";
import type { Command } from "commander";
import type { UsageReport } from "../../sdk/contract.ts";
import { allOf, connect } from "../client.ts";
import { printJson, printTable } from "../output.ts";
import { examples } from "../program.ts";
import { bytes, span } from "../units.ts";

type Row = UsageReport["rows"][number] | UsageReport["totals"];

export function define(usage: Command): void {
  usage
    .addOption(new Option("--by <what>", "a row for each of them").choices(["day", "session"]).default("day"))
    .option("--from <day>", "the first UTC day, such as 2026-01-31 (default: 29 days before the last)")
    .option("--to <day>", "the last day (default: today)")
    .addHelpText("after", examples("$ buntime usage", "$ buntime usage --by session --from 2026-11-01"))
    .action(show);
}

async function show(options: { by: "day" | "session"; from?: string; to?: string }, command: Command): Promise<void> {
  const { client, json } = await connect(command);
  const { by, from, to } = options;
  let report: UsageReport | null = null;
  const { items } = await allOf(async (paging) => {
    report = await client.usage.get({ by, from, to, ...paging });
    return { items: report.rows, total: report.total };
  });
  // SAFETY: it was assigned at least once, which TypeScript does not see through the callback.
  const { totals, ...rest } = report as unknown as UsageReport;
  if (json) return printJson({ ...rest, totals, rows: items });
  printTable<Row>(
    [
      { title: by.toUpperCase(), cell: (row) => nameOf(row) },
      { title: "ACTIVE", cell: (row) => span(row.activeSeconds), align: "right" },
      { title: "IDLE", cell: (row) => span(row.idleSeconds), align: "right" },
      { title: "ASLEEP", cell: (row) => span(row.asleepSeconds), align: "right" },
      { title: "VCPU-S", cell: (row) => row.vcpuSeconds.toFixed(1), align: "right" },
      { title: "GIB-S", cell: (row) => row.gibSeconds.toFixed(1), align: "right" },
      { title: "SENT", cell: (row) => bytes(row.egressBytes), align: "right" },
      { title: "EXECUTIONS", cell: (row) => String(row.executions), align: "right" },
    ],
    [...items, totals],
  );
}

function nameOf(row: Row): string {
  if ("day" in row) return row.day ?? "-";
  return "sessionId" in row ? (row.sessionId ?? "one-shot") : "total";
}
