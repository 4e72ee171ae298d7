// What runs in a session from this page: it goes on while one looks elsewhere, and is picked up again after a reload.
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { ExecuteAnswer, ExecutionRecord, ExecutionStream } from "../../../sdk/index.ts";
import { api } from "../../state/access.ts";
import { noteOutcome } from "../../state/connection.ts";
import { asBuntimeError } from "../../state/loaded.ts";
import { formatBytes, formatDuration } from "../../parts/format.ts";
import { createOutput } from "../../parts/use-output.ts";
import type { Output } from "../../parts/use-output.ts";
import { followOutput } from "./follow-output.ts";

interface CurrentRun {
  readonly executionId: string | null;
  /** It is waited for, and can be killed from here. */
  readonly isFollowed: boolean;
  /** How it is, or how it ended, in a line. */
  readonly summary: string;
}

export interface Runs {
  readonly current: Signal<CurrentRun | null>;
  readonly output: Output;
  /** Never throws: what goes wrong stands in the output. */
  start(what: { readonly code: string } | { readonly command: string }): Promise<void>;
  kill(): Promise<void>;
  /** Follows what a page before this one had started. */
  resume(): Promise<void>;
}

const bySession = new Map<string, Runs>();

export function runsOf(sessionId: string): Runs {
  const known = bySession.get(sessionId);
  if (known !== undefined) return known;
  const made = createRuns(sessionId);
  bySession.set(sessionId, made);
  return made;
}

/** How an execution ended, as a person would say it. */
export function describeEnd(
  end: Pick<ExecutionRecord, "exitCode" | "signal" | "executionTime" | "memoryUsed" | "background"> & {
    readonly outcome: ExecutionRecord["outcome"];
  },
): string {
  const how = {
    running: end.background ? "runs on in the background" : "running",
    exited: `exit code ${end.exitCode ?? "?"}`,
    killed: `killed${end.signal === null ? "" : ` by ${end.signal}`}`,
    timed_out: "ended by its time-out",
    unknown: "unknown: its container was lost while it ran",
  }[end.outcome];
  const figures = [
    end.executionTime === null ? null : formatDuration(end.executionTime),
    end.memoryUsed === null ? null : formatBytes(end.memoryUsed),
  ];
  return [how, ...figures.filter((figure) => figure !== null)].join(" · ");
}

function outcomeOf(answer: ExecuteAnswer): ExecutionRecord["outcome"] {
  if (answer.timedOut) return "timed_out";
  if (answer.background && answer.exitCode === null && answer.signal === null) return "running";
  return answer.signal === null ? "exited" : "killed";
}

function createRuns(sessionId: string): Runs {
  const place = `buntime.run.${sessionId}`;
  const current = signal<CurrentRun | null>(null);
  const output = createOutput();
  let stream: ExecutionStream | null = null;

  const finish = (run: CurrentRun): void => {
    current.value = run;
    sessionStorage.removeItem(place);
  };
  const fail = (error: unknown): void => {
    noteOutcome(error);
    const { message, code } = asBuntimeError(error);
    output.append("note", `${message}\n`);
    finish({ executionId: current.peek()?.executionId ?? null, isFollowed: false, summary: code });
  };

  const start: Runs["start"] = async (what) => {
    output.clear();
    current.value = { executionId: null, isFollowed: true, summary: "starting…" };
    try {
      stream = api().execute.stream({ sessionId, ...what });
      void stream.executionId.then(
        (executionId) => {
          sessionStorage.setItem(place, executionId);
          current.value = { executionId, isFollowed: true, summary: "running…" };
          return executionId;
        },
        () => null,
      );
      for await (const { type, data } of stream) output.append(type, String(data));
      const answer = await stream.result;
      if (answer.truncated)
        output.append("note", "More was printed than an answer holds; the log in the history has it.\n");
      finish({
        executionId: answer.executionId,
        isFollowed: false,
        summary: describeEnd({ ...answer, outcome: outcomeOf(answer) }),
      });
    } catch (error) {
      fail(error);
    } finally {
      stream = null;
    }
  };

  const kill: Runs["kill"] = async () => {
    const executionId = current.peek()?.executionId ?? null;
    if (stream !== null) await stream.kill();
    if (stream !== null || executionId === null) return;
    const { pid, outcome } = await api().execution.get({ sessionId, executionId });
    if (pid !== null && outcome === "running") await api().execution.kill({ sessionId, pid });
  };

  const resume: Runs["resume"] = async () => {
    const executionId = sessionStorage.getItem(place);
    if (executionId === null || current.peek() !== null) return;
    current.value = { executionId, isFollowed: true, summary: "running…" };
    try {
      await followOutput({ sessionId, executionId, output });
      const record = await api().execution.get({ sessionId, executionId });
      finish({ executionId, isFollowed: false, summary: describeEnd(record) });
    } catch (error) {
      fail(error);
    }
  };

  return { current, output, start, kill, resume };
}
