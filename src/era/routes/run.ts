// Runs in a session: the whole answer at once, or as it comes. An id that nobody has becomes a session.
import * as z from "zod";
import type { EraCall } from "../call.ts";
import { EraId, RunBody } from "../contract.ts";
import { asEraError } from "../errors.ts";
import type { Answer } from "../outcome.ts";
import { answerOf } from "../run-answer.ts";
import { route } from "../route.ts";
import type { EraRoute } from "../route.ts";
import { runById } from "../session-run.ts";
import type { SessionRun } from "../session-run.ts";
import { asEraEvents } from "../stream.ts";
import { secondsOf } from "../settings.ts";

const OfSession = z.object({ id: EraId });

export const RUN_ROUTES: readonly EraRoute[] = [
  route({
    method: "POST",
    path: "/api/sessions/{id}/run",
    params: OfSession,
    body: RunBody,
    async answer(call, { params: { id }, body }) {
      const { response, finish } = await begin(call, id, body, false);
      if (!response.ok) {
        return refused(id, response, finish);
      }
      try {
        const answer = await response.json<Answer>();
        return await answerOf(answer, { session_id: id, data: await finish() });
      } finally {
        await finish();
      }
    },
  }),
  route({
    method: "POST",
    path: "/api/sessions/{id}/stream",
    params: OfSession,
    body: RunBody,
    async answer(call, { params: { id }, body }) {
      const { response, finish } = await begin(call, id, body, true);
      if (!response.ok || response.body === null) {
        return refused(id, response, finish);
      }
      const { readable, writable } = asEraEvents(async () => ({ session_id: id, data: await finish() }));
      // Also when the client goes before the end.
      const events: ReadableStream<Uint8Array> = response.body;
      call.waitUntil(
        events
          .pipeTo(writable)
          .catch(() => {})
          .then(finish),
      );
      return new Response(readable, {
        headers: { "content-type": "text/event-stream", "cache-control": "no-cache" },
      });
    },
  }),
];

function begin(call: EraCall, id: string, body: RunBody, stream: boolean): Promise<SessionRun> {
  const { code, env, update_data: changes } = body;
  return runById(call, id, { code, env, changes, timeout: secondsOf(body), stream, fresh: false });
}

async function refused(id: string, response: Response, finish: SessionRun["finish"]): Promise<Response> {
  try {
    return await asEraError(response, { session_id: id });
  } finally {
    await finish();
  }
}
