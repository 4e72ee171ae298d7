// What an execution has printed and goes on to print, piece by piece, until it has ended. A connection that breaks is made
// anew behind the last piece.
import { setTimeout as delay } from "node:timers/promises";
import { errorOfAnswer } from "../sdk/answer.ts";
import type { ExecutionRecord, OutputPage } from "../sdk/contract.ts";
import { BuntimeError } from "../sdk/error.ts";
import { readEvents } from "../sdk/server-sent-events.ts";
import type { Settings } from "./settings.ts";

export interface OfExecution {
  readonly sessionId: string;
  readonly executionId: string;
}

export type Piece = OutputPage["chunks"][number];

const TRIES = 5;
const FIRST_DELAY_MS = 250;

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
        if (event !== "stdout" && event !== "stderr") continue;
        const piece = JSON.parse(data) as Pick<Piece, "seq" | "data"> & Partial<Piece>;
        after = piece.seq;
        fruitless = 0;
        yield { encoding: "utf-8", ...piece, stream: event };
      }
    } catch (error) {
      const final = error instanceof BuntimeError && error.status !== 0 && error.status < 500 && error.status !== 429;
      if (final || fruitless >= TRIES) throw error;
    }
    await delay(FIRST_DELAY_MS * 2 ** Math.min(fruitless, TRIES));
  }
}

export function bytesOf({ data, encoding }: Piece): Uint8Array {
  return Buffer.from(data, encoding === "base64" ? "base64" : "utf8");
}
