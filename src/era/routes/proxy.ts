// Requests that a session's stored code answers: each is a run of it, with the request in its environment. Unlike ERA's it wants
// a key: what code answers must not be a page of this host, whose console keeps keys. Pages for everybody have a host of
// their own, see the route `host`.
import * as z from "zod";
import { ProblemError } from "../../lib/problem-error.ts";
import type { EraCall } from "../call.ts";
import { EraId, Port } from "../contract.ts";
import { asEraError } from "../errors.ts";
import { PROXIED_BODY_BYTES } from "../limits.ts";
import type { Answer } from "../outcome.ts";
import { repliedBy } from "../proxy-reply.ts";
import { route } from "../route.ts";
import type { EraRoute } from "../route.ts";
import { checkPublic, findSession } from "../session.ts";
import { runInSession } from "../session-run.ts";

const OfPort = z.object({ id: EraId, port: Port });
/** Not the code's business: they open the account that it belongs to. */
const WITHHELD = new Set(["authorization", "cookie", "proxy-authorization"]);

const answer = (call: EraCall, { params: { id } }: { params: z.output<typeof OfPort> }): Promise<Response> =>
  reply(call, id);

export const PROXY_ROUTES: readonly EraRoute[] = [
  route({ method: "ALL", path: "/proxy/{id}/{port}", params: OfPort, answer }),
  route({ method: "ALL", path: "/proxy/{id}/{port}/", params: OfPort, answer }),
  route({ method: "ALL", path: "/proxy/{id}/{port}/{path}", params: OfPort, answer }),
];

async function reply(call: EraCall, id: string): Promise<Response> {
  const found = await findSession(call, id);
  checkPublic(found);
  const env = await requestVariables(call);
  const { response, close } = await runInSession(call, found, { env, stream: false, fresh: true });
  try {
    return response.ok ? repliedBy(await response.json<Answer>()) : await asEraError(response, { session_id: id });
  } finally {
    await close();
  }
}

async function requestVariables({ request, path }: EraCall): Promise<Record<string, string>> {
  const headers = [...request.headers].filter(([name]) => !WITHHELD.has(name));
  return {
    ERA_REQUEST_MODE: "proxy",
    ERA_HTTP_METHOD: request.method,
    // As it came, behind the port.
    ERA_HTTP_PATH: path.replace(/^(\/[^/]*){3}/, "") || "/",
    ERA_HTTP_QUERY: new URL(request.url).search,
    ERA_HTTP_HEADERS: JSON.stringify(Object.fromEntries(headers)),
    ERA_HTTP_BODY: await bodyOf(request),
  };
}

async function bodyOf(request: Request): Promise<string> {
  const tooLarge = new ProblemError("payload_too_large", `A request's body may be ${PROXIED_BODY_BYTES} bytes here.`, {
    limitBytes: PROXIED_BODY_BYTES,
  });
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let text = "";
  let size = 0;
  const body: ReadableStream<Uint8Array> | null = request.body;
  try {
    for await (const chunk of body ?? []) {
      size += chunk.length;
      if (size > PROXIED_BODY_BYTES) {
        throw tooLarge;
      }
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof TypeError) {
      throw new ProblemError("invalid_request", "The body is not UTF-8, and becomes an environment variable here.");
    }
    throw error;
  }
}
