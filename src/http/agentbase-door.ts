// Agentbase's API at `/agentbase` of the main host, with the keys of the API and its limits. Any web page may call it, as it
// may the API.
import type { Principal } from "../account/rpc.ts";
import { inItsWords } from "../agentbase/errors.ts";
import { serveAgentbase } from "../agentbase/serve.ts";
import type { Env } from "../env.ts";
import type { Send } from "../lib/api.ts";
import { answerAdmitted } from "./admitted.ts";
import { allowAnyOrigin, preflight } from "./cors.ts";

export interface AgentbaseDoor {
  readonly env: Env;
  /** Without `/agentbase`. */
  readonly path: string;
  readonly requestId: string;
  /** The API, for a caller that was admitted. */
  readonly sendAs: (principal: Principal) => Send;
}

export async function agentbaseDoor(
  request: Request,
  { env, path, requestId, sendAs }: AgentbaseDoor,
): Promise<Response> {
  const response =
    request.method === "OPTIONS"
      ? preflight(request)
      : await answerAdmitted(request, { env, requestId }, (principal) =>
          serveAgentbase(request, { path, send: sendAs(principal) }),
        );
  const answer = await inItsWords(response, requestId);
  allowAnyOrigin(answer.headers);
  return answer;
}
