// Builds the server's routes from the route table: input is parsed by its schemas before a handler sees it, and the
// status of a success is the table's. A handler gives a value, or a Response where bytes are streamed.
import type { Hono } from "hono";
import type * as z from "zod";
import { accountOf } from "../account/rpc.ts";
import type { Principal } from "../account/rpc.ts";
import { problemResponse } from "../contract/errors.ts";
import { JSON_BODY_BYTES, JSON_DEPTH } from "../contract/limits.ts";
import { ROUTES } from "../contract/routes.ts";
import type { Route } from "../contract/route.ts";
import type { Env } from "../env.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { readJson } from "../lib/strict-json.ts";
import type { Call, Reserved } from "./call.ts";
import { answerOnce } from "./idempotency.ts";
import { honoPath, pathReader } from "../lib/route-path.ts";
import { mayCall, maySee, sessionRefOf } from "./permission.ts";
import { parseQuery } from "../lib/query-string.ts";

/** What Hono is given for each request, in place of the bare environment. */
interface Bindings {
  readonly env: Env;
  readonly requestId: string;
  /** Without `/api`. */
  readonly path: string;
  /** Put onto the answer, whatever it turns out to be. */
  readonly headers: Headers;
  /** Who was admitted and counted by another door, with this request on their behalf. */
  readonly admitted?: Principal;
}

export interface ApiEnv {
  Bindings: Bindings;
  Variables: { principal: Principal };
}

type Parsed<S> = S extends z.ZodType ? z.output<S> : undefined;
type Part<R, K extends string> = R extends Record<K, infer S> ? Parsed<S> : undefined;
type JsonOf<A> = A extends { readonly json: infer S extends z.ZodType } ? z.output<S> : never;
type Value<R extends Route> = JsonOf<R["answers"][keyof R["answers"]]>;

interface Input<R extends Route> {
  readonly params: Part<R, "params">;
  readonly query: Part<R, "query">;
  readonly body: Part<R, "body">;
}

type Handler<R extends Route> = (call: Call, input: Input<R>) => Promise<Result<Value<R>> | Response>;
export type Handlers = { readonly [Name in keyof typeof ROUTES]: Handler<(typeof ROUTES)[Name]> };
type Operation = keyof Handlers;

export function bind(api: Hono<ApiEnv>, handlers: Handlers): void {
  // SAFETY: Object.keys of a literal gives its keys.
  const operations = (Object.keys(ROUTES) as Operation[]).toSorted((a, b) => rank(ROUTES[a]) - rank(ROUTES[b]));
  const methods = new Map<string, string[]>();
  for (const operation of operations) {
    const route: Route = ROUTES[operation];
    // SAFETY: `Handlers` pairs each handler with the input that this very route's schemas give.
    const handler = handlers[operation] as unknown as Handler<Route>;
    for (const template of [route.path, ...(route.aliases ?? [])]) {
      const path = honoPath(template);
      methods.set(path, [...(methods.get(path) ?? []), route.method.toUpperCase()]);
      const readParams = pathReader(template);
      api.on(route.method.toUpperCase(), path, async (c) => {
        const request = c.req.raw;
        const principal = c.get("principal");
        const { env } = c.env;
        const allowed = mayCall(principal, route);
        if (!allowed.ok) {
          c.executionCtx.waitUntil(
            accountOf(env, principal.accountId).noteRefusal(principal.keyId, `no ${route.scope}: ${operation}`),
          );
          return problemResponse(allowed.error);
        }
        const input = await parseInput(route, request, readParams(c.env.path));
        if (!input.ok) {
          return problemResponse(input.error);
        }
        const seen = await maySee(principal, sessionRefOf(route, input.value), env);
        if (!seen.ok) {
          return problemResponse(seen.error);
        }
        const call: Call = {
          request,
          env,
          principal,
          reserved: null,
          waitUntil: (work) => c.executionCtx.waitUntil(work),
        };
        const run = async (reserved: Reserved | null): Promise<Response> =>
          toResponse(route, await handler({ ...call, reserved }, input.value));
        const key = route.idempotent === true ? request.headers.get("idempotency-key") : null;
        return key === null ? run(null) : answerOnce(call, { key, route, input: input.value }, run);
      });
    }
  }
  // After all routes, since one path may match another's template.
  for (const [path, allowed] of methods) {
    const allow = (allowed.includes("GET") ? [...allowed, "HEAD"] : allowed).join(", ");
    api.all(path, (c) =>
      problemResponse(
        { code: "method_not_allowed", message: `${c.req.method} is not possible here. Possible: ${allow}.` },
        { headers: { allow } },
      ),
    );
  }
}

function toResponse(route: Route, answer: Result<unknown> | Response): Response {
  if (answer instanceof Response) {
    return answer;
  }
  return answer.ok ? Response.json(answer.value, { status: successStatus(route) }) : problemResponse(answer.error);
}

/** A template that takes the rest of a path comes after those with words in its place. */
function rank({ path }: Route): number {
  return path.includes("{path}") ? 1 : 0;
}

function successStatus(route: Route): number {
  return Number(Object.keys(route.answers)[0]);
}

async function parseInput(
  route: Route,
  request: Request,
  rawParams: Result<Record<string, string>>,
): Promise<Result<Input<Route>>> {
  if (!rawParams.ok) {
    return rawParams;
  }
  const params = parsePart(route.params, rawParams.value, "path");
  if (!params.ok) {
    return params;
  }
  const rawQuery = route.query === undefined ? ok({}) : parseQuery(new URL(request.url).search);
  if (!rawQuery.ok) {
    return rawQuery;
  }
  const query = parsePart(route.query, rawQuery.value, "query");
  if (!query.ok) {
    return query;
  }
  const rawBody =
    route.body === undefined ? ok({}) : await readJson(request, { bytes: JSON_BODY_BYTES, depth: JSON_DEPTH });
  if (!rawBody.ok) {
    return rawBody;
  }
  const body = parsePart(route.body, rawBody.value, "body");
  if (!body.ok) {
    return body;
  }
  // SAFETY: each part was parsed by this route's schema, or is absent as the schema is.
  return ok({ params: params.value, query: query.value, body: body.value } as Input<Route>);
}

const ISSUES_TOLD = 10;

function parsePart(schema: z.ZodType | undefined, raw: unknown, where: string): Result<unknown> {
  if (schema === undefined) {
    return ok(undefined);
  }
  const parsed = schema.safeParse(raw);
  if (parsed.success) {
    return ok(parsed.data);
  }
  const issues = parsed.error.issues.slice(0, ISSUES_TOLD).map((issue) => ({
    path: issue.path.join("."),
    message: issue.message,
  }));
  const first = issues[0];
  const place = first === undefined || first.path === "" ? `The ${where}` : `\`${first.path}\` in the ${where}`;
  return fail("invalid_request", `${place}: ${first?.message ?? "is not valid"}.`, { in: where, issues });
}
