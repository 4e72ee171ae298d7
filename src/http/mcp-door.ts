// The MCP endpoint of the main host. Its callers are admitted and counted as those of the API are, and what their tools do
// goes through the API's own routes, already admitted: a message is one request, whatever it takes to answer it.
import type { Principal } from "../account/rpc.ts";
import { problemResponse } from "../contract/errors.ts";
import type { Env } from "../env.ts";
import type { Send } from "../lib/api.ts";
import { CONNECTION_HEADER, serveMcp } from "../mcp/serve.ts";
import { answerAdmitted } from "./admitted.ts";
import { preflight } from "./cors.ts";
import { hostName } from "./host.ts";

export interface McpDoor {
  readonly env: Env;
  readonly requestId: string;
  /** The API, for a caller that was admitted. */
  readonly sendAs: (principal: Principal) => Send;
}

export async function mcpDoor(request: Request, { env, requestId, sendAs }: McpDoor): Promise<Response> {
  const origin = request.headers.get("origin");
  if (origin !== null && !isOwn(origin, env.DOMAIN)) {
    return problemResponse(
      { code: "forbidden", message: "Web pages of other origins may not use this endpoint. Programs send no Origin." },
      { requestId },
    );
  }
  const response =
    request.method === "OPTIONS" ? preflight(request) : await answered(request, { env, requestId, sendAs });
  if (origin !== null) {
    response.headers.set("access-control-allow-origin", origin);
    response.headers.set("access-control-expose-headers", `${CONNECTION_HEADER}, x-request-id, retry-after`);
    response.headers.append("vary", "origin");
  }
  return response;
}

function answered(request: Request, { env, requestId, sendAs }: McpDoor): Promise<Response> {
  return answerAdmitted(request, { env, requestId }, (principal) =>
    serveMcp(request, { caller: principal, requestId, send: sendAs(principal) }),
  );
}

/** Names that lead to this very server, so that no page gets here by letting its own name resolve to this address. */
function isOwn(origin: string, domain: string): boolean {
  const host = URL.parse(origin)?.host ?? "";
  const own = hostName(domain);
  const here = own === "localhost" ? ["localhost", "127.0.0.1", "[::1]"] : [own];
  return here.includes(hostName(host));
}
