// `buntime logs`: what an execution printed, or which executions there were.
import type { Command } from "commander";
import type { ExecutionRecord } from "../../sdk/contract.ts";
import { connect } from "../client.ts";
import type { Connection } from "../client.ts";
import { EXIT } from "../failure.ts";
import { bytesOf, followOutput } from "../follow-output.ts";
import type { Piece } from "../follow-output.ts";
import { note, printJson, printJsonLine, printTable, writeBytes } from "../output.ts";
import { examples } from "../program.ts";
import { relative, span } from "../units.ts";
import { integer } from "../values.ts";

export function define(logs: Command): void {
  logs
    .argument("<session>", "its id or name")
    .argument("[execution]", "its id; without one, executions are listed, newest first")
    .description(
      "Show what an execution printed: its stdout on stdout, its stderr on stderr, and what a run in a context has shown. 16 MB of each execution are kept, also " +
        "while the session sleeps. With --json each piece is a line of JSON.",
    )
    .option("-f, --follow", "go on until it has ended")
    .option("-n, --count <count>", "how many executions to list", integer, 20)
    .addHelpText("after", examples("$ buntime logs my-agent", "$ buntime logs my-agent exe_4k2m9x7q1w8e3r5t6y0u -f"))
    .action(show);
}

async function show(
  sessionId: string,
  executionId: string | undefined,
  options: { follow?: true; count: number },
  command: Command,
): Promise<void> {
  const connection = await connect(command);
  if (executionId === undefined) return list(connection, sessionId, options.count);
  process.once("SIGINT", () => process.exit(EXIT.interrupted));
  const of = { sessionId, executionId };
  if (options.follow === true) {
    for await (const piece of followOutput(connection.settings, of)) await tell(piece, connection.json);
    return;
  }
  for (let after = 0, done = false; !done;) {
    const page = await connection.client.execution.output({ ...of, after });
    for (const piece of page.chunks) await tell(piece, connection.json);
    // What is not there yet is for --follow.
    done = page.done || page.chunks.length === 0;
    after = page.lastSeq;
  }
}

async function tell(piece: Piece, asJson: boolean): Promise<void> {
  if (asJson) printJsonLine(piece);
  else await writeBytes(piece.stream === "stderr" ? process.stderr : process.stdout, bytesOf(piece));
}

async function list({ client, json }: Connection, sessionId: string, limit: number): Promise<void> {
  const page = await client.execution.list({ sessionId, limit });
  if (json) return printJson(page);
  const now = Date.now();
  printTable<ExecutionRecord>(
    [
      { title: "ID", cell: ({ executionId }) => executionId },
      { title: "STARTED", cell: ({ startedAt }) => relative(startedAt, now) },
      { title: "TOOK", cell: ({ executionTime }) => took(executionTime), align: "right" },
      { title: "ENDED", cell: (record) => ended(record) },
      { title: "RAN", cell: ({ command, code }) => command ?? code ?? "", flexible: true },
    ],
    page.executions,
  );
  if (page.total > page.executions.length) note(`${page.total - page.executions.length} older ones are not shown.`);
}

function took(ms: number | null): string {
  if (ms === null) return "-";
  return ms < 1000 ? `${Math.round(ms)}ms` : span(ms / 1000);
}

function ended({ outcome, exitCode, signal, reason }: ExecutionRecord): string {
  if (outcome === "exited") return `exit ${exitCode ?? "?"}`;
  if (outcome === "killed") return `${signal ?? "killed"} (${reason ?? "?"})`;
  return outcome.replace("_", " ");
}
