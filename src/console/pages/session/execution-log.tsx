// The output of one execution.
import { useEffect } from "preact/hooks";
import { asBuntimeError } from "../../state/loaded.ts";
import { OutputView } from "../../parts/output-view.tsx";
import { useOutput } from "../../parts/use-output.ts";
import { followOutput } from "./follow-output.ts";

interface ExecutionLogProps {
  readonly sessionId: string;
  readonly executionId: string;
  readonly onClose: () => void;
}

/** All that an execution has printed, and what it still prints. */
export function ExecutionLog({ sessionId, executionId, onClose }: ExecutionLogProps) {
  const output = useOutput();
  useEffect(() => {
    const abort = new AbortController();
    output.clear();
    const follow = async (): Promise<void> => {
      try {
        const outcome = await followOutput({ sessionId, executionId, output, signal: abort.signal });
        if (outcome !== null) output.append("note", `— ${outcome} —\n`);
      } catch (error) {
        output.append("note", `${asBuntimeError(error).message}\n`);
      }
    };
    void follow();
    return () => abort.abort();
  }, [sessionId, executionId]);
  return (
    <section class="card" aria-label={`Log of ${executionId}`}>
      <div class="row">
        <strong>Log</strong>
        <code>{executionId}</code>
        <span class="spacer" />
        <button type="button" class="quiet" aria-label="Close the log" onClick={onClose}>
          ✕
        </button>
      </div>
      <div class="output-place">
        <OutputView lines={output.lines} version={output.version} label="What it printed" />
      </div>
    </section>
  );
}
