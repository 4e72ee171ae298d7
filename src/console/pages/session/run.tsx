// An editor, what it runs, and what has run before.
import { signal } from "@preact/signals";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { ExecutionRecord } from "../../../sdk/index.ts";
import { api } from "../../state/access.ts";
import { attempt } from "../../state/notices.ts";
import { useLoaded } from "../../state/use-loaded.ts";
import { LazyEditor } from "../../parts/lazy-editor.tsx";
import { OutputView } from "../../parts/output-view.tsx";
import { Show } from "../../parts/show.tsx";
import type { TabProps } from "./tab-props.ts";
import { ExecutionHistory } from "./execution-history.tsx";
import { placesIn } from "./places.tsx";
import { runsOf } from "./runs.ts";

const FIRST = `// TypeScript, run by Bun in /workspace. A missing import is installed.
const answer: number = 6 * 7;
console.log("The answer is", answer);
`;

/** A draft outlives a reload of the page. */
function useDraft(sessionId: string) {
  const place = `buntime.draft.${sessionId}`;
  const draft = useMemo(() => signal(sessionStorage.getItem(place) ?? FIRST), [sessionId]);
  const write = (text: string): void => {
    draft.value = text;
    sessionStorage.setItem(place, text);
  };
  return [draft.value, write] as const;
}

export function Run({ session, loader: sessionLoader }: TabProps) {
  const sessionId = session.id;
  const [text, setText] = useDraft(sessionId);
  const [isCommand, setCommand] = useState(false);
  const [goTo, setGoTo] = useState<{ readonly line: number; readonly column: number } | null>(null);
  const run = runsOf(sessionId);
  const current = run.current.value;
  const isRunning = current?.isFollowed === true;
  const history = useLoaded(
    (abort) => api().execution.list({ sessionId, limit: 50 }, { signal: abort }),
    [sessionId, isRunning],
  );
  useEffect(() => {
    void run.resume();
  }, [run]);

  const start = (): void => {
    if (!isRunning && text.trim() !== "")
      void run.start(isCommand ? { command: text } : { code: text }).then(() => sessionLoader.reload());
  };
  const again = (record: ExecutionRecord): void => {
    const source = record.code ?? record.command;
    if (source === null) return;
    setCommand(record.code === null);
    setText(source);
    if (!isRunning) void run.start(record.code === null ? { command: source } : { code: source });
  };
  return (
    <div class="run">
      <div class="run-editor">
        <div class="row">
          <select
            aria-label="Kind"
            value={isCommand ? "command" : "code"}
            onChange={(event) => setCommand(event.currentTarget.value === "command")}
          >
            <option value="code">TypeScript</option>
            <option value="command">Shell</option>
          </select>
          <button type="button" class="primary" disabled={isRunning} onClick={start} title="Ctrl-Enter, or ⌘-Enter">
            {isRunning ? "Running…" : "Run"}
          </button>
          {isRunning && (
            <button type="button" class="danger" onClick={() => void attempt("Not ended", () => run.kill())}>
              Kill
            </button>
          )}
          <span class="muted">Ctrl-Enter runs it</span>
        </div>
        <div class="editor-place">
          <LazyEditor
            key={isCommand ? "command" : "code"}
            label={isCommand ? "Shell command" : "TypeScript"}
            language={isCommand ? "text" : "typescript"}
            text={text}
            onChange={setText}
            onRun={start}
            goTo={goTo}
          />
        </div>
      </div>
      <div class="run-output">
        <OutputView
          lines={run.output.lines}
          version={run.output.version}
          label="Output"
          decorate={placesIn((line, column) => setGoTo({ line, column }))}
        />
        <p class="muted" role="status">
          {current === null ? "Nothing has run yet." : current.summary}
        </p>
      </div>
      <section class="run-history" aria-labelledby="history">
        <h2 id="history">History</h2>
        <Show of={history} what="the history">
          {({ executions }) => <ExecutionHistory sessionId={sessionId} executions={executions} again={again} />}
        </Show>
      </section>
    </div>
  );
}
