// The supervisor's HTTP server: checks the token, finds the route, turns errors into bodies. The routes are listed in
// src/contract/supervisor.ts. Nothing is answered without the token.
import { problemResponse } from "../../src/contract/errors.ts";
import type { Health, WorkspaceStats } from "../../src/contract/supervisor.ts";
import type { Config } from "./config.ts";
import type { FileRoutes } from "./files/routes.ts";
import type { Executions } from "./process/executions.ts";
import { execute, kill, listExecutions, readOutput } from "./process/routes.ts";
import { SupervisorError } from "./problem.ts";

export interface Services {
  readonly bootId: string;
  readonly executions: Executions;
  readonly files: FileRoutes;
}

export function serve(config: Config, services: Services): Bun.Server<undefined> {
  // An execute may be silent for minutes. The types deny a unix socket this option; the server takes it.
  const timeless: object = { idleTimeout: 0 };
  const options = {
    ...timeless,
    // Raw uploads are bounded by the disk, which the file routes watch.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: (request: Request) => respond(request, config.token, services),
  };
  if (config.sockets === null) return Bun.serve({ ...options, hostname: "0.0.0.0", port: config.port });
  return Bun.serve({ ...options, unix: `${config.sockets}/control.sock` });
}

async function respond(request: Request, token: string, services: Services): Promise<Response> {
  try {
    if (!isEqual(request.headers.get("authorization") ?? "", `Bearer ${token}`)) {
      throw new SupervisorError("unauthorized", "The supervisor's token is missing or wrong");
    }
    return await route(request, new URL(request.url), services);
  } catch (error) {
    if (error instanceof SupervisorError) return problemResponse(error.problem);
    console.error(`${request.method} ${request.url}`, error);
    return problemResponse({ code: "internal_error", message: "The supervisor failed; its log says why" });
  }
}

async function route(request: Request, url: URL, { bootId, executions, files }: Services): Promise<Response> {
  switch (`${request.method} ${url.pathname}`) {
    case "POST /execute":
      return await execute(executions, request);
    case "POST /kill":
      return await kill(executions, request);
    case "GET /processes":
      return Response.json(executions.processes());
    case "GET /executions":
      return listExecutions(executions, url);
    case "GET /health":
      return Response.json({ status: "ok", bootId } satisfies Health);
    case "GET /stats":
      return Response.json({
        ...(await files.stats()),
        activeProcesses: executions.countProcesses(),
      } satisfies WorkspaceStats);
    default:
      break;
  }
  const [, id, output] = /^\/executions\/(exe_[0-9a-z]{20})(\/output)?$/.exec(url.pathname) ?? [];
  if (id !== undefined && request.method === "GET") {
    return output === undefined ? Response.json(executions.record(id)) : readOutput(executions, id, request, url);
  }
  const answer = files.handle(request, url);
  if (answer !== null) return await answer;
  throw new SupervisorError("not_found", `The supervisor has no ${request.method} ${url.pathname}`);
}

/** In a time that says nothing about where they differ. */
function isEqual(given: string, expected: string): boolean {
  let difference = given.length ^ expected.length;
  for (let at = 0; at < expected.length; at++) difference |= given.charCodeAt(at) ^ expected.charCodeAt(at);
  return difference === 0;
}
