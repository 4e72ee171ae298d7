// `buntime ps`: what runs in a session.
import type { Command } from "commander";
import type { Process, ServiceStatus } from "../../sdk/contract.ts";
import { connect } from "../client.ts";
import { note, printJson, printTable } from "../output.ts";
import { examples } from "../program.ts";
import { bytes, relative, span } from "../units.ts";

export function define(ps: Command): void {
  ps.argument("<session>", "its id or name")
    .description("List the processes and services of a session.")
    .addHelpText("after", examples("$ buntime ps my-agent"))
    .action(show);
}

async function show(sessionId: string, _: object, command: Command): Promise<void> {
  const { client, json } = await connect(command);
  const list = await client.processes.list({ sessionId });
  if (json) return printJson(list);
  const now = Date.now();
  printTable<Process>(
    [
      { title: "PID", cell: ({ pid }) => String(pid), align: "right" },
      { title: "STARTED", cell: ({ startedAt }) => relative(startedAt, now) },
      { title: "CPU", cell: ({ cpu }) => (cpu < 1000 ? `${Math.round(cpu)}ms` : span(cpu / 1000)), align: "right" },
      { title: "MEMORY", cell: ({ memory }) => bytes(memory), align: "right" },
      { title: "PORTS", cell: ({ ports }) => ports.join(" ") || "-" },
      { title: "EXECUTION", cell: ({ executionId }) => executionId ?? "-" },
      { title: "COMMAND", cell: ({ command }) => command, flexible: true },
    ],
    list.processes,
  );
  if (list.services.length > 0) {
    process.stdout.write("\n");
    printTable<ServiceStatus>(
      [
        { title: "SERVICE", cell: ({ name }) => name },
        { title: "STATUS", cell: ({ status }) => status },
        { title: "PID", cell: ({ pid }) => String(pid ?? "-"), align: "right" },
        { title: "PORT", cell: ({ port }) => String(port ?? "-"), align: "right" },
        { title: "RESTARTS", cell: ({ restarts }) => String(restarts), align: "right" },
        { title: "LAST END", cell: ({ lastExit }) => lastExit ?? "-" },
        { title: "COMMAND", cell: ({ command }) => command, flexible: true },
      ],
      list.services,
    );
  }
  if (list.ended !== null && list.processes.length === 0) {
    note(`Its last container ended ${relative(list.ended.at, now)} (${list.ended.reason}).`);
  }
}
