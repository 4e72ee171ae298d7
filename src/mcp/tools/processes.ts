// Processes of a session.
import { KillAnswer, KillRequest, ProcessList } from "../../contract/execute.ts";
import { EXECUTE } from "../../contract/routes/execute.ts";
import { clip } from "../text.ts";
import { tool } from "../tool.ts";
import type { Tool } from "../tool.ts";

export const processTools: readonly Tool[] = [
  tool({
    name: "list_processes",
    title: "List processes",
    description: "List the running processes of the session with the ports that they listen on, and its services.",
    input: {},
    output: ProcessList.shape,
    annotations: { readOnlyHint: true, openWorldHint: false },
    async run({ api, ref }) {
      const list = await api.call(EXECUTE.listProcesses, { params: { id: ref } });
      const processes = list.processes.map(({ pid, command, ports, memory }) => {
        const listens = ports.length === 0 ? "" : `, listens on ${ports.join(", ")}`;
        return `${pid} ${clip(command, 200).text} (${Math.round(memory / 1024 / 1024)} MiB${listens})`;
      });
      const services = list.services.map(({ name, status, pid }) => `service ${name}: ${status}, pid ${pid ?? "none"}`);
      const rows = [...processes, ...services];
      return { text: rows.length === 0 ? "Nothing runs." : rows.join("\n"), data: list };
    },
  }),
  tool({
    name: "kill_process",
    title: "Kill a process",
    description: "End a process with its group, or all processes of the session.",
    input: { pid: KillRequest.shape.pid, signal: KillRequest.shape.signal },
    output: KillAnswer.shape,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    async run({ api, ref }, request) {
      const answer = await api.call(EXECUTE.kill, { body: { ...request, sessionId: ref } });
      const text = answer.killed === 0 ? "There was nothing to end." : `Signalled ${answer.pids.join(", ")}.`;
      return { text, data: answer };
    },
  }),
];
