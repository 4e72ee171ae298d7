// What an execution has printed and goes on to print, piece by piece, until it has ended. A connection that breaks is made
// anew behind the last piece.
import { errorOfAnswer, errorOfCause } from "../sdk/answer.ts";
import type { ExecutionRecord, OutputPage, RunResult } from "../sdk/contract.ts";
import { BuntimeError } from "../sdk/error.ts";
import { readEvents } from "../sdk/server-sent-events.ts";
import { waitAfter } from "./persist.ts";
import type { Settings } from "./settings.ts";

export interface OfExecution {
  readonly sessionId: string;
  readonly executionId: string;
}

export type Piece = OutputPage["chunks"][number];

/** @returns its record, once it has ended */
export async function* followOutput(
  settings: Settings,
  { sessionId, executionId }: OfExecution,
): AsyncGenerator<Piece, ExecutionRecord> {
  let after = 0;
  for (let fruitless = 0; ; fruitless++) {
    const path = `/sessions/${encodeURIComponent(sessionId)}/executions/${encodeURIComponent(executionId)}/output`;
    try {
      const response = await fetch(`${settings.baseUrl}${path}?after=${after}`, {
        headers: { authorization: `Bearer ${settings.apiKey}`, accept: "text/event-stream" },
        redirect: "manual",
      });
      if (!response.ok) throw errorOfAnswer(response, await response.text());
      for await (const { event, data } of readEvents(response)) {
        // SAFETY: the platform's own events, as the contract has them.
        if (event === "exit") return JSON.parse(data) as ExecutionRecord;
        if (event !== "stdout" && event !== "stderr" && event !== "result") continue;
        const piece = pieceOf(event, data);
        after = piece.seq;
        fruitless = 0;
        yield piece;
      }
      throw new BuntimeError("The connection to the platform ended before the execution did.", {
        code: "network_error",
      });
    } catch (cause) {
      await waitAfter(errorOfCause(cause, undefined), fruitless);
    }
  }
}

/** SAFETY: the platform's own events, as the contract has them. */
function pieceOf(stream: Piece["stream"], json: string): Piece {
  if (stream === "result") {
    const { seq, result } = JSON.parse(json) as { seq: number; result: RunResult };
    return { seq, stream, data: JSON.stringify(result), encoding: "utf-8" };
  }
  return { encoding: "utf-8", ...(JSON.parse(json) as Pick<Piece, "seq" | "data">), stream };
}

/** Of a result, its plain form in a line of its own. */
export function bytesOf({ stream, data, encoding }: Piece): Uint8Array {
  // SAFETY: as above.
  if (stream === "result") return Buffer.from(`${(JSON.parse(data) as RunResult).text}\n`);
  return Buffer.from(data, encoding === "base64" ? "base64" : "utf8");
}
