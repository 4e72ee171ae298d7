// ERA's API as a whole: finds the route, parses its input, and tells what went wrong the way ERA does.
import { Hono } from "hono";
import { describe, logError } from "../lib/log.ts";
import { ProblemError, valueOf } from "../lib/problem-error.ts";
import { honoPath, pathReader } from "../lib/route-path.ts";
import { parseQuery } from "../lib/query-string.ts";
import { readBody } from "./body.ts";
import type { EraCall } from "./call.ts";
import { eraError } from "./errors.ts";
import { parse } from "./route.ts";
import type { EraRoute } from "./route.ts";
import { CODE_ROUTES } from "./routes/code.ts";
import { DUPLICATE_ROUTES } from "./routes/duplicate.ts";
import { EXECUTE_ROUTES } from "./routes/execute.ts";
import { FILE_ROUTES } from "./routes/files.ts";
import { HOST_ROUTES } from "./routes/host.ts";
import { PROXY_ROUTES } from "./routes/proxy.ts";
import { RUN_ROUTES } from "./routes/run.ts";
import { SESSION_ROUTES } from "./routes/sessions.ts";
import { STORAGE_ROUTES } from "./storage/routes.ts";

const ROUTES: readonly EraRoute[] = [
  ...SESSION_ROUTES,
  ...DUPLICATE_ROUTES,
  ...RUN_ROUTES,
  ...FILE_ROUTES,
  ...CODE_ROUTES,
  ...HOST_ROUTES,
  ...EXECUTE_ROUTES,
  ...STORAGE_ROUTES,
  ...PROXY_ROUTES,
];

export async function serveEra(call: EraCall): Promise<Response> {
  return era.fetch(call.request, { call });
}

const era = new Hono<{ Bindings: { call: EraCall } }>({
  getPath: (_request, options) => options?.env?.call.path ?? "/",
});

const methods = new Map<string, string[]>();
for (const { method, path, ...route } of ROUTES) {
  const place = honoPath(path);
  const readParams = pathReader(path);
  const answer = async (call: EraCall): Promise<Response> => {
    const params = parse(route.params, valueOf(readParams(call.path)), "path");
    const search = new URL(call.request.url).search;
    const query = route.query && parse(route.query, valueOf(parseQuery(search)), "query");
    const body = route.body && parse(route.body, await readBody(call.request), "body");
    return route.answer(call, { params, query, body });
  };
  if (method === "ALL") {
    era.all(place, (c) => answer(c.env.call));
  } else {
    era.on(method, place, (c) => answer(c.env.call));
    methods.set(place, [...(methods.get(place) ?? []), method]);
  }
}
for (const [place, allowed] of methods) {
  const allow = (allowed.includes("GET") ? [...allowed, "HEAD"] : allowed).join(", ");
  era.all(place, async (c) => {
    const message = `${c.req.method} is not possible here. Possible: ${allow}.`;
    const response = await eraError({ code: "method_not_allowed", message });
    response.headers.set("allow", allow);
    return response;
  });
}
era.notFound((c) =>
  eraError({ code: "not_found", message: `ERA's API has nothing at ${c.env.call.path.slice(0, 200)}.` }),
);
era.onError((error, c) => {
  if (error instanceof ProblemError) {
    return eraError(error.problem);
  }
  const { requestId, path } = c.env.call;
  logError("unexpected", { requestId, url: `/era${path}`, reason: describe(error), stack: error.stack });
  const message = `Something went wrong here. Quote ${requestId} when you ask about it.`;
  return eraError({ code: "internal_error", message });
});
