// The output of an execution that has begun, from its first piece on: what is kept, and then what comes.
import type { ExecutionRecord, RunResult } from "../../../sdk/index.ts";
import { api } from "../../state/access.ts";
import { noteOutcome } from "../../state/connection.ts";
import { asBuntimeError } from "../../state/loaded.ts";
import type { Output } from "../../parts/use-output.ts";

interface FollowOptions {
  readonly sessionId: string;
  readonly executionId: string;
  readonly output: Output;
  readonly signal?: AbortSignal;
}

/** Between two looks for more, in milliseconds. */
const PAUSE_MS = 1000;

/**
 * Resolves with the outcome when nothing follows; null where `signal` ended it. A connection that is lost is waited for.
 * @throws BuntimeError for any other failure
 */
export async function followOutput(options: FollowOptions): Promise<ExecutionRecord["outcome"] | null> {
  const { sessionId, executionId, output, signal } = options;
  for (let after = 0; ;) {
    if (signal?.aborted === true) return null;
    try {
      const page = await api().execution.output({ sessionId, executionId, after }, { signal });
      for (const { stream, data, encoding } of page.chunks) {
        if (stream === "result") output.append("stdout", `${textOf(data)}\n`);
        else output.append(stream, encoding === "base64" ? decode(data) : data);
      }
      after = page.lastSeq;
      if (page.done) return page.outcome;
      if (page.chunks.length > 0) continue;
    } catch (error) {
      noteOutcome(error);
      const { code } = asBuntimeError(error);
      if (code === "aborted") return null;
      if (code !== "network_error" && code !== "timeout") throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** The plain form of what a run in a context has shown. */
function textOf(json: string): string {
  // SAFETY: of a result, the platform sends this.
  return (JSON.parse(json) as RunResult).text;
}

/** Bytes that are no UTF-8, as text all the same. */
function decode(base64: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
}
