// One run in a session of its own, which is destroyed as soon as it has answered, however that went.
import { autoId } from "../auto-id.ts";
import { ExecuteBody } from "../contract.ts";
import { eraVariables } from "../environment.ts";
import { asEraError } from "../errors.ts";
import type { Answer } from "../outcome.ts";
import { route } from "../route.ts";
import type { EraRoute } from "../route.ts";
import { answerOf } from "../run-answer.ts";
import { run } from "../runner.ts";
import { checkTimeout, secondsOf } from "../settings.ts";

export const EXECUTE_ROUTES: readonly EraRoute[] = [
  route({
    method: "POST",
    path: "/api/execute",
    body: ExecuteBody,
    async answer(call, { body }) {
      const { language, code } = body;
      const timeout = secondsOf(body) ?? null;
      checkTimeout(timeout, call.plan);
      // Names nothing that could be asked for afterwards.
      const id = autoId(Date.now());
      const env = { ...body.env, ...(await eraVariables(call, id, { language, ref: null, timeout })) };
      const response = await run(call, null, { language, code, env, timeout, stream: false, fresh: true });
      return response.ok
        ? answerOf(await response.json<Answer>(), { language, session_id: id, vm_id: id })
        : asEraError(response);
    },
  }),
];
