import { Agent, request as httpRequest } from "node:http";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { ERRORS } from "../../src/contract/errors.ts";
import type { ErrorCode } from "../../src/contract/errors.ts";
import { readText } from "../../scripts/client.ts";
import { fromElsewhere, run } from "./accounts.ts";
import { requestsFor } from "./fuzz-requests.ts";
import type { Described, FuzzRequest } from "./fuzz-requests.ts";
import { makeWorld, requestsOf, SPARED } from "./fuzz-world.ts";
import type { World } from "./fuzz-world.ts";
import { OPERATIONS } from "./operations.ts";
import { SchemaArbitraries } from "./schema-arbitrary.ts";
import type { JsonSchema } from "./schema-arbitrary.ts";

const REQUESTS = 10_000;
/** Ends a run that hangs; it takes some ten seconds of processor time. */
const GIVEN_UP_MS = 300_000;
const AT_ONCE = 48;
/** The same for everybody: whether each operation gets a request that succeeds is a matter of luck. Others by hand. */
const SEED = Number(process.env["FUZZ_SEED"] ?? 20_260_731);

/** These are given nothing that exists, since the others need it, or want a WebSocket. */
const NEVER_SUCCEED = new Set([...SPARED, "replayDelivery", "openTerminal", "closeTerminal"]);

/** They end the container, and with it what others are being answered: 503 is right then. One after the other, at the end. */
const ENDS_CONTAINER = new Set(["restoreSnapshot", "sleepSession", "wakeSession"]);

const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
let world: World = {};
let document: Document;

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

beforeAll(async () => {
  // SAFETY: it is what src/http/openapi.ts generates, whose form the unit suite checks.
  document = (await (await fetch(new URL("/api/openapi.json", run.url))).json()) as Document;
  const made = await makeWorld();
  world = made.world;
  return () => made.end();
});
afterAll(() => agent.destroy());

// SAFETY: Object.keys of the table gives its codes, and it has some.
const CODES = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]];
const Problem = z.strictObject({
  error: z.strictObject({
    code: z.enum(CODES),
    message: z.string().min(1),
    details: z.record(z.string(), z.unknown()),
    requestId: z.string().regex(/^req_/),
  }),
});

function send({
  operation,
  method,
  path,
  body,
  headers,
  key,
}: FuzzRequest): Promise<{ status: number; type: string; text: string }> {
  const route = OPERATIONS.find(({ name }) => name === operation)?.route;
  const own = route?.scope === "operator" ? run.adminKey : run.accounts.fuzzed.key;
  const bytes = body === null ? null : Buffer.from(body, route?.upload === undefined ? "utf8" : "base64");
  const given = { own, wrong: `${own.slice(0, -2)}zz`, none: null }[key];
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(run.url);
    const request = httpRequest(
      {
        agent,
        host: hostname,
        port,
        method,
        path: `/api${path}`,
        headers: {
          ...(key === "wrong" ? fromElsewhere() : {}),
          ...(given === null ? {} : { authorization: `Bearer ${given}` }),
          ...(bytes === null ? {} : { "content-type": "application/json", "content-length": bytes.length }),
          ...headers,
        },
      },
      (response) => {
        const { statusCode: status = 0, headers: said } = response;
        const type = said["content-type"]?.split(";")[0] ?? "";
        if (type === "text/event-stream" && method === "GET") {
          // It has no end of its own.
          response.destroy();
          resolve({ status, type, text: "" });
          return;
        }
        readText(response).then(
          (text) => resolve({ status, type, text }),
          (error: unknown) => broken(`broke off after ${status} ${type}`, error),
        );
      },
    );
    const broken = (how: string, cause: unknown): void =>
      reject(new Error(`${method} ${path} ${String(body).slice(0, 500)}: ${how}`, { cause }));
    request.once("error", (error) => broken("got no answer", error));
    request.end(bytes ?? undefined);
  });
}

/** What is wrong with an answer; null for nothing. */
function complaint(
  request: FuzzRequest,
  { status, type, text }: { status: number; type: string; text: string },
): string | null {
  const route = OPERATIONS.find(({ name }) => name === request.operation)?.route;
  const described = route === undefined ? undefined : document.paths[route.path]?.[route.method];
  if (status >= 500) return `${status}: ${text.slice(0, 300)}`;
  if (described?.responses[String(status)] === undefined) return `${status} is not documented: ${text.slice(0, 300)}`;
  if (status >= 400) {
    const problem = Problem.safeParse(parsed(text));
    if (!problem.success) return `${status} with a body that is no error: ${text.slice(0, 300)}`;
    const { code } = problem.data.error;
    return ERRORS[code].status === status ? null : `${code} came as ${status}`;
  }
  const answer = route?.answers[status];
  if (answer === undefined || !("json" in answer) || type !== "application/json") return null;
  const checked = answer.json.safeParse(parsed(text));
  return checked.success
    ? null
    : `${status} breaks its schema: ${checked.error.message.slice(0, 300)} in ${text.slice(0, 300)}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

test(
  `${REQUESTS} generated requests get no 5xx, no status that is not documented and no answer that breaks its schema`,
  { timeout: GIVEN_UP_MS },
  async () => {
    const schemas = new SchemaArbitraries(document.components.schemas);
    const costly = OPERATIONS.filter(({ name }) => requestsOf(name, 0) > 0);
    const spent = costly.reduce((sum, { name }) => sum + requestsOf(name, 0), 0);
    const usual = Math.ceil((REQUESTS - spent) / (OPERATIONS.length - costly.length));
    const requests = OPERATIONS.flatMap((operation) => {
      const described = document.paths[operation.route.path]?.[operation.route.method];
      if (described === undefined) throw new Error(`${operation.name} is not in the document`);
      const arbitrary = requestsFor(operation, described, { schemas, world });
      return fc.sample(arbitrary, { numRuns: requestsOf(operation.name, usual), seed: SEED });
    });
    const complaints: string[] = [];
    const statuses = new Map<number, number>();
    const succeeded = new Set<string>();
    const mixed = [...requests.entries()]
      .toSorted(([a], [b]) => (a % usual) - (b % usual))
      .map(([, request]) => request);
    const worker = async (waiting: FuzzRequest[]): Promise<void> => {
      for (let request = waiting.pop(); request !== undefined; request = waiting.pop()) {
        const answer = await send(request);
        if (answer.status < 400) succeeded.add(request.operation);
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        const wrong = complaint(request, answer);
        if (wrong !== null)
          complaints.push(`${request.operation}: ${wrong}\n  ${JSON.stringify(request).slice(0, 1500)}`);
      }
    };
    const together = mixed.filter(({ operation }) => !ENDS_CONTAINER.has(operation));
    await Promise.all(Array.from({ length: AT_ONCE }, () => worker(together)));
    await worker(mixed.filter(({ operation }) => ENDS_CONTAINER.has(operation)));
    console.log(
      `fuzz: seed ${SEED}, ${requests.length} requests, ${JSON.stringify([...statuses].toSorted(([a], [b]) => a - b))}`,
    );
    expect(complaints.slice(0, 20), `FUZZ_SEED=${SEED}, ${complaints.length} in all`).toEqual([]);
    // Else it would only have shown that nonsense is refused.
    const never = OPERATIONS.map(({ name }) => name).filter((name) => !succeeded.has(name) && !NEVER_SUCCEED.has(name));
    expect(never).toEqual([]);
    expect(requests.length).toBeGreaterThanOrEqual(10_000);
  },
);
