// What the doors beside the API have in common: their callers are admitted and counted as those of the API are, once for
// each request, whatever it takes to answer it.
import type { Principal } from "../account/rpc.ts";
import type { Env } from "../env.ts";
import { admit, refusal } from "./auth.ts";
import { countedOut } from "./rate-limit.ts";

export async function answerAdmitted(
  request: Request,
  { env, requestId }: { readonly env: Env; readonly requestId: string },
  serve: (principal: Principal) => Promise<Response>,
): Promise<Response> {
  const admission = await admit(request, env);
  if (admission.kind === "refused") {
    return refusal(admission.problem, requestId);
  }
  const headers = new Headers();
  const answer = countedOut(admission.rate, headers) ?? (await serve(admission.principal));
  const response = new Response(answer.body, answer);
  for (const [name, value] of headers) {
    response.headers.set(name, value);
  }
  return response;
}
