// The answer to a run.
import { eraError } from "./errors.ts";
import { duration, outcome } from "./outcome.ts";
import type { Answer } from "./outcome.ts";

/** `more`: what is told beside the outcome. A run that its time-out ended is a 408 which tells as much as any other. */
export async function answerOf(answer: Answer, more: Readonly<Record<string, unknown>>): Promise<Response> {
  const told = { ...outcome(answer), ...more };
  if (!answer.timedOut) {
    return Response.json(told);
  }
  const message = `It was ended by its time-out after ${duration(answer.executionTime)}. Give a longer \`timeout\`.`;
  return eraError({ code: "execution_timeout", message }, { ...told, timed_out: true });
}
