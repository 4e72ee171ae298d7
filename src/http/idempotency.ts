// Calls with an `Idempotency-Key`: the first one runs, with ids that were reserved before, and its answer is kept before it
// is given; the same call sent again gets that answer. A call whose answer was lost runs again with the same ids, and
// its handler looks at what became of it first (`Reserved.again`).
import { accountOf } from "../account/rpc.ts";
import type { CallLease, KeptAnswer, ReservedIds } from "../account/rpc.ts";
import { problemResponse } from "../contract/errors.ts";
import type { Problem } from "../contract/errors.ts";
import { IDEMPOTENCY_KEY_CHARACTERS } from "../contract/limits.ts";
import type { Route } from "../contract/route.ts";
import { describe, logError } from "../lib/log.ts";
import { isEventStream } from "../lib/output-events.ts";
import { sha256 } from "../lib/sha256.ts";
import type { Call, Reserved } from "./call.ts";
import { observeLastEvent, replayEvents, seenBefore } from "./event-replay.ts";
import { worthOf } from "./kept-answer.ts";
import { memberOf, sessionRefOf } from "./permission.ts";

export interface KeyedRequest {
  readonly key: string;
  readonly route: Route;
  readonly input: { readonly params: unknown; readonly query: unknown; readonly body: unknown };
}

/** Printable ASCII. A header's value comes without the blanks around it. */
const KEY = new RegExp(`^[\\x20-\\x7e]{1,${IDEMPOTENCY_KEY_CHARACTERS}}$`);

export async function answerOnce(
  call: Call,
  { key, route, input }: KeyedRequest,
  run: (reserved: Reserved) => Promise<Response>,
): Promise<Response> {
  if (!KEY.test(key)) {
    return problemResponse({
      code: "invalid_request",
      message: `The Idempotency-Key is not 1 to ${IDEMPOTENCY_KEY_CHARACTERS} characters of printable ASCII.`,
      details: { in: "header" },
    });
  }
  const { body } = input;
  const begun = await accountOf(call.env, call.principal.accountId).begin({
    key,
    fingerprint: (await sha256(JSON.stringify([route.method, route.path, input.params, input.query, body]))).toHex(),
    // What executes does it in the session that it names; other calls make a session of their own.
    session: route.scope === "execute" ? sessionRefOf(route, input) : null,
  });
  switch (begun.kind) {
    case "refused":
      return refusal(begun.problem);
    case "replay":
      return replay(call, begun, memberOf(body, "encoding"));
    case "run":
      break;
  }
  const work: (() => Promise<unknown>)[] = [];
  const reserved: Reserved = {
    ...begun.ids,
    startedAt: begun.startedAt,
    again: begun.again,
    afterwards: (one) => work.push(one),
  };
  const settle = async (answer: KeptAnswer): Promise<void> => {
    if (await settled(begun.lease, answer, reserved)) {
      const failed = (error: unknown): void =>
        logError("cleaning_up_failed", { ...begun.ids, reason: describe(error) });
      call.waitUntil(Promise.all(work.map((one) => one().catch(failed))));
    }
  };
  const answering = runOnce(call, begun.lease, () => run(reserved), settle);
  // A client that goes away does not end the call: it may ask for its answer later.
  call.waitUntil(answering.catch(() => {}));
  return answering;
}

async function runOnce(
  call: Call,
  lease: CallLease,
  run: () => Promise<Response>,
  settle: (answer: KeptAnswer) => Promise<void>,
): Promise<Response> {
  try {
    const response = await run();
    const { status } = response;
    if (!isEventStream(response) || response.body === null) {
      const body = new Uint8Array(await response.arrayBuffer());
      await settle({ status, body, lastSeq: null });
      return new Response(body, response);
    }
    const { readable, ended } = observeLastEvent(response.body, async (last) => {
      await (last === null ? lease[Symbol.dispose]() : settle({ ...last, lastSeq: last.seq }));
    });
    call.waitUntil(ended);
    return new Response(readable, response);
  } catch (error) {
    lease[Symbol.dispose]();
    throw error;
  }
}

/** Whether the outcome is certain now. Never rejects: the answer is true, even where it could not be kept. */
async function settled(lease: CallLease, answer: KeptAnswer, { again, executionId }: Reserved): Promise<boolean> {
  try {
    switch (worthOf(answer, again)) {
      case "keep":
        await lease.keep(answer);
        return true;
      case "forget":
        await lease.forget();
        return true;
      case "undecided":
        break;
    }
    return false;
  } catch (error) {
    logError("answer_not_kept", { executionId, reason: describe(error) });
    return false;
  } finally {
    lease[Symbol.dispose]();
  }
}

function replay(
  call: Call,
  { ids, answer }: { readonly ids: ReservedIds; readonly answer: KeptAnswer },
  encoding: string | null,
): Response {
  const headers = { "idempotency-replayed": "true" };
  const { lastSeq } = answer;
  return lastSeq !== null
    ? replayEvents(call, ids, {
        answer: { ...answer, seq: lastSeq },
        encoding,
        after: seenBefore(call.request),
        headers,
      })
    : new Response(answer.body, {
        status: answer.status,
        headers: { ...headers, "content-type": "application/json" },
      });
}

function refusal(problem: Problem): Response {
  const seconds = problem.details?.["retryAfterSeconds"];
  return problemResponse(problem, {
    headers: typeof seconds === "number" ? { "retry-after": String(seconds) } : {},
  });
}
