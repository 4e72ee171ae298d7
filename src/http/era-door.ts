// ERA's API at `/era` of the main host, with the keys of the API and its limits. Any web page may call it, as it may the API.
import type { Principal } from "../account/rpc.ts";
import type { Env } from "../env.ts";
import { asEraError } from "../era/errors.ts";
import { eraHealth } from "../era/health.ts";
import { serveEra } from "../era/serve.ts";
import { storageAccess } from "../data/access.ts";
import { Api } from "../lib/api.ts";
import type { Send } from "../lib/api.ts";
import { answerAdmitted } from "./admitted.ts";
import { allowAnyOrigin, preflight } from "./cors.ts";

export interface EraDoor {
  readonly env: Env;
  readonly requestId: string;
  /** Without `/era`. */
  readonly path: string;
  /** The API, for a caller that was admitted. */
  readonly sendAs: (principal: Principal) => Send;
  readonly waitUntil: (work: Promise<unknown>) => void;
}

export async function eraDoor(request: Request, door: EraDoor): Promise<Response> {
  const answer = request.method === "OPTIONS" ? preflight(request) : await answered(request, door);
  const response = new Response(answer.body, answer);
  allowAnyOrigin(response.headers);
  return response;
}

async function answered(request: Request, door: EraDoor): Promise<Response> {
  const { env, path, requestId, sendAs, waitUntil } = door;
  if (path === "/health") {
    return eraHealth(new Date());
  }
  let served = false;
  const answer = await answerAdmitted(request, { env, requestId }, (principal) => {
    served = true;
    const { plan } = principal;
    const send = sendAs(principal);
    const base = `${new URL(request.url).origin}/era`;
    const insideBase = env.INSIDE_ORIGIN === undefined ? base : `${env.INSIDE_ORIGIN}/era`;
    const access = storageAccess(env, principal);
    const api = new Api(send);
    return serveEra({ request, path, base, insideBase, plan, requestId, api, send, access, waitUntil });
  });
  return served ? answer : asEraError(answer);
}
