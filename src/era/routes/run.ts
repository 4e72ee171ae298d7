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
      const { response, data, close } = await begin(call, id, body, false);
      try {
        return response.ok
          ? await answerOf(await response.json<Answer>(), { session_id: id, ...(await data()) })
          : await asEraError(response, { session_id: id });
      } finally {
        await close();
      }
    },
  }),
  route({
    method: "POST",
    path: "/api/sessions/{id}/stream",
    params: OfSession,
    body: RunBody,
    async answer(call, { params: { id }, body }) {
      const { response, data, close } = await begin(call, id, body, true);
      if (!response.ok || response.body === null) {
        try {
          return await asEraError(response, { session_id: id });
        } finally {
          await close();
        }
      }
      const { readable, writable } = asEraEvents(async () => ({ session_id: id, ...(await data()) }));
      // Also when the client goes before the end.
      const events: ReadableStream<Uint8Array> = response.body;
      call.waitUntil(
        events
          .pipeTo(writable)
          .catch(() => {})
          .then(close),
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
