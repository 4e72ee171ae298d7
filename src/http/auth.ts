// Who is asking. The one place that looks at the text of a key; what goes on is its digest, and every comparison takes the
// same time whatever was given.
import { registryOf } from "../account/registry-rpc.ts";
import { accountOf } from "../account/rpc.ts";
import type { AccountRpc, Admission, Principal } from "../account/rpc.ts";
import { problemResponse } from "../contract/errors.ts";
import type { Problem } from "../contract/errors.ts";
import { accountOfKey, DEVELOPMENT_ACCOUNT } from "../contract/ids.ts";
import { OPERATOR_ATTEMPTS, PLANS } from "../contract/limits.ts";
import { parseRunToken } from "../contract/run-token.ts";
import { KEY_PROTOCOL } from "../contract/terminal-wire.ts";
import { developmentPlan, usableKey } from "../env.ts";
import type { Env } from "../env.ts";
import { logError } from "../lib/log.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { sha256 } from "../lib/sha256.ts";
import { clientAddress, clientGroup } from "./client-address.ts";

/** Has one scope, which no account's key can have, and no account. */
const OPERATOR: Principal = {
  accountId: "",
  keyId: "operator",
  plan: PLANS.free,
  scopes: ["operator"],
  sessionId: null,
  expiresAt: null,
};

/** Asks the key's account, once for each request: a key that was revoked just now is refused. */
export async function admit(request: Request, env: Env): Promise<Admission> {
  const own = usableKey(env.BUNTIME_API_KEY);
  // Where accounts can be made, the development account is nothing that a server must have.
  if (own === null && usableKey(env.BUNTIME_ADMIN_KEY) === null) {
    logError("misconfigured", { variable: "BUNTIME_API_KEY", reason: "missing, or shorter than 16 characters" });
    return refused(
      fail("internal_error", "This server has no API key configured. Its operator has to set BUNTIME_API_KEY."),
    );
  }
  const plan = developmentPlan(env);
  if (typeof plan === "string") {
    logError("misconfigured", { variable: plan, reason: "not a whole number from 1 to 999999999" });
    return refused(
      fail("internal_error", `This server is misconfigured. Its operator has to correct ${plan}.`, { variable: plan }),
    );
  }
  const given = bearerOf(request) ?? offeredKeyOf(request);
  if (given === null) {
    return refused(fail("unauthorized", "No API key was given. Send `Authorization: Bearer <key>`."));
  }
  const run = parseRunToken(given);
  if (run !== null) {
    return ask(env, run.accountId, (account) => account.admit({ kind: "run", token: run.token }));
  }
  const digest = await sha256(given);
  if (own !== null && crypto.subtle.timingSafeEqual(digest, await sha256(own))) {
    return ask(env, DEVELOPMENT_ACCOUNT, (account) => account.admit({ kind: "own", plan }));
  }
  const accountId = accountOfKey(given);
  return accountId === null
    ? refused(fail("unauthorized", "This API key is not known."))
    : ask(env, accountId, (account) => account.admit({ kind: "key", digest }));
}

/** For the operator's API. Without a key of that kind on the server there is no such API. */
export async function admitOperator(request: Request, env: Env): Promise<Result<Principal>> {
  const expected = usableKey(env.BUNTIME_ADMIN_KEY);
  if (expected === null) {
    return fail("not_found", "This server has no operator's API. Its operator may set BUNTIME_ADMIN_KEY.");
  }
  const given = bearerOf(request);
  if (given === null) {
    return fail("unauthorized", "No key was given. Send the operator's key as `Authorization: Bearer <key>`.");
  }
  const [digest, other] = await Promise.all([sha256(given), sha256(expected)]);
  const isRight = crypto.subtle.timingSafeEqual(digest, other);
  // Asked for the right key as well: who has guessed too often learns nothing from a guess that is right.
  const address = clientAddress(request, env.CLIENT_ADDRESS_HEADER);
  const client = address === null ? EVERYBODY : clientGroup(address);
  const retryAfterSeconds = await registryOf(env).attempt(client, { failed: !isRight });
  if (retryAfterSeconds !== null) {
    return fail(
      "rate_limit_exceeded",
      `${OPERATOR_ATTEMPTS} wrong keys came from this address within a minute. Try again in ${retryAfterSeconds} s.`,
      { limit: OPERATOR_ATTEMPTS, retryAfterSeconds },
    );
  }
  return isRight
    ? ok(OPERATOR)
    : fail("unauthorized", "This is not the operator's key. Keys of accounts do not open this API.");
}

/** Of whom nothing tells the address. */
const EVERYBODY = "";

/** The answer to who was not admitted. */
export function refusal(problem: Problem, requestId?: string): Response {
  const seconds = problem.details?.["retryAfterSeconds"];
  return problemResponse(problem, {
    headers: {
      ...(problem.code === "unauthorized" ? { "www-authenticate": "Bearer" } : {}),
      ...(typeof seconds === "number" ? { "retry-after": String(seconds) } : {}),
    },
    ...(requestId === undefined ? {} : { requestId }),
  });
}

function bearerOf(request: Request): string | null {
  return /^Bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1] ?? null;
}

/** Browsers cannot send headers of theirs with a WebSocket, but offer protocols. */
function offeredKeyOf({ headers }: Request): string | null {
  if (headers.get("upgrade")?.toLowerCase() !== "websocket") {
    return null;
  }
  const offered = headers.get("sec-websocket-protocol")?.split(",") ?? [];
  const key = offered.map((name) => name.trim()).find((name) => name.startsWith(KEY_PROTOCOL));
  return key === undefined ? null : key.slice(KEY_PROTOCOL.length);
}

async function ask(
  env: Env,
  accountId: string,
  question: (account: AccountRpc) => Promise<Admission>,
): Promise<Admission> {
  try {
    return await question(accountOf(env, accountId));
  } catch (error) {
    // Its object moved to another machine or to a new release just now; a new stub finds it there.
    if (error instanceof Error && "retryable" in error && error.retryable === true) {
      return question(accountOf(env, accountId));
    }
    throw error;
  }
}

function refused({ error }: ReturnType<typeof fail>): Admission {
  return { kind: "refused", problem: error };
}
