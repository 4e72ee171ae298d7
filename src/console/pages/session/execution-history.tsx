// What has run in a session.
import { useState } from "preact/hooks";
import type { ExecutionRecord } from "../../../sdk/index.ts";
import { Empty } from "../../parts/problem.tsx";
import { Ago } from "../../parts/time-left.tsx";
import { ExecutionLog } from "./execution-log.tsx";
import { describeEnd } from "./runs.ts";

interface ExecutionHistoryProps {
  readonly sessionId: string;
  readonly executions: readonly ExecutionRecord[];
  readonly again: (execution: ExecutionRecord) => void;
}

/** The first line that says something. */
function titleOf({ code, command }: ExecutionRecord): string {
  const lines = (code ?? command ?? "").split("\n").map((line) => line.trim());
  return lines.find((line) => line !== "" && !line.startsWith("//")) ?? "nothing";
}

export function ExecutionHistory({ sessionId, executions, again }: ExecutionHistoryProps) {
  const [open, setOpen] = useState<string | null>(null);
  if (executions.length === 0) return <Empty title="Nothing has run in this session yet" />;
  return (
    <ul class="cards">
      {executions.map((execution) => (
        <li key={execution.executionId} class="card">
          <div class="row">
            <code class="history-title">{titleOf(execution)}</code>
            <span class="spacer" />
            <button
              type="button"
              aria-expanded={open === execution.executionId}
              onClick={() => setOpen(open === execution.executionId ? null : execution.executionId)}
            >
              Log
            </button>
            <button type="button" onClick={() => again(execution)}>
              Run again
            </button>
          </div>
          <p class={`muted outcome-${execution.outcome}`}>
            {describeEnd(execution)} · <Ago at={execution.startedAt} />
          </p>
          {open === execution.executionId && (
            <ExecutionLog sessionId={sessionId} executionId={execution.executionId} onClose={() => setOpen(null)} />
          )}
        </li>
      ))}
    </ul>
  );
}
