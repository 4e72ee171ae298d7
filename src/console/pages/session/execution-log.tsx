// The output of one execution.
import { useEffect } from "preact/hooks";
import { api } from "../../state/access.ts";
import { noteOutcome } from "../../state/connection.ts";
import { asBuntimeError } from "../../state/loaded.ts";
import { OutputView } from "../../parts/output-view.tsx";
import { useOutput } from "../../parts/use-output.ts";

interface ExecutionLogProps {
  readonly sessionId: string;
  readonly executionId: string;
  readonly onClose: () => void;
}

/** Between two looks for more, in milliseconds. */
const PAUSE_MS = 1000;

/** All that an execution has printed, and what it still prints. */
export function ExecutionLog({ sessionId, executionId, onClose }: ExecutionLogProps) {
  const output = useOutput();
  useEffect(() => {
    const abort = new AbortController();
    output.clear();
    const follow = async (): Promise<void> => {
      let after = 0;
      while (!abort.signal.aborted) {
        try {
          const page = await api().execution.output({ sessionId, executionId, after }, { signal: abort.signal });
          for (const { stream, data, encoding } of page.chunks) {
            output.append(stream, encoding === "base64" ? decode(data) : data);
          }
          after = page.lastSeq;
          if (page.done) return output.append("note", `— ${page.outcome} —\n`);
          if (page.chunks.length > 0) continue;
        } catch (error) {
          noteOutcome(error);
          const { code, message } = asBuntimeError(error);
          if (code !== "network_error" && code !== "timeout") return output.append("note", `${message}\n`);
        }
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
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

/** Bytes that are no UTF-8, as text all the same. */
function decode(base64: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
}
