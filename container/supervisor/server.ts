// The supervisor's HTTP server: checks the token, finds the route, turns errors into bodies. The routes are listed in
// src/contract/supervisor.ts. Nothing is answered without the token.
import { problemResponse } from "../../src/contract/errors.ts";
import type { Health, WatchAnswer, WorkspaceStats } from "../../src/contract/supervisor.ts";
import type { Config } from "./config.ts";
import { handleContexts } from "./context/routes.ts";
import type { FileRoutes } from "./files/routes.ts";
import { ENDING } from "./last-save.ts";
import type { LastSave } from "./last-save.ts";
import type { Processes } from "./process/processes.ts";
import {
  execute,
  freeze,
  kill,
  listExecutions,
  listProcesses,
  putServices,
  readOutput,
  stop,
  thaw,
} from "./process/routes.ts";
import { SupervisorError } from "./problem.ts";
import type { RestoreRoutes } from "./snapshot/restore-routes.ts";
import type { SnapshotRoutes } from "./snapshot/routes.ts";
import { closeTerminal, listTerminals, openTerminal, terminalSockets } from "./terminal/routes.ts";
import type { TerminalSocketData } from "./terminal/routes.ts";

export interface Services {
  readonly bootId: string;
  readonly processes: Processes;
  readonly files: FileRoutes;
  readonly lastSave: LastSave;
  readonly snapshots: SnapshotRoutes;
  readonly restores: RestoreRoutes;
}

/** What would start or wake processes is not begun any more when the container ends. */
const STARTS = new Set(["POST /execute", "POST /kill", "POST /stop", "POST /freeze", "POST /thaw", "PUT /services"]);
/** Calls under way that change files. */
let changing = 0;

type Server = Bun.Server<TerminalSocketData>;

export function serve(config: Config, services: Services): Server {
  // An execute may be silent for minutes. The types deny a unix socket this option; the server takes it.
  const timeless: object = { idleTimeout: 0 };
  const options = {
    ...timeless,
    // Raw uploads are bounded by the disk, which the file routes watch.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: (request: Request, server: Server) => respond(request, server, config.token, services),
    websocket: terminalSockets(config.patience.terminalSilenceMs),
  };
  if (config.sockets === null) return Bun.serve({ ...options, hostname: "0.0.0.0", port: config.port });
  return Bun.serve({ ...options, unix: `${config.sockets}/control.sock` });
}

/** Undefined: it has become a WebSocket. */
async function respond(
  request: Request,
  server: Server,
  token: string,
  services: Services,
): Promise<Response | undefined> {
  try {
    if (!isEqual(request.headers.get("authorization") ?? "", `Bearer ${token}`)) {
      throw new SupervisorError("unauthorized", "The supervisor's token is missing or wrong");
    }
    const url = new URL(request.url);
    const call = `${request.method} ${url.pathname}`;
    // At its beginning: what it looks at is not older.
    if (call === "POST /snapshot") services.lastSave.began();
    const response =
      call === "GET /terminal" ? await terminal(request, server, services) : await route(request, url, services);
    if (call === "POST /snapshot/commit" && response?.ok === true) services.lastSave.committed();
    return response;
  } catch (error) {
    if (error instanceof SupervisorError) return problemResponse(error.problem);
    console.error(`${request.method} ${request.url}`, error);
    return problemResponse({ code: "internal_error", message: "The supervisor failed; its log says why" });
  }
}

function terminal(request: Request, server: Server, services: Services): Promise<Response | undefined> {
  const { lastSave, processes } = services;
  if (lastSave.isEnding) throw new SupervisorError(ENDING.code, ENDING.message);
  return openTerminal(processes.terminals, request, server);
}

async function route(request: Request, url: URL, services: Services): Promise<Response> {
  const { bootId, processes, files, lastSave } = services;
  const { executions } = processes;
  const call = `${request.method} ${url.pathname}`;
  const starts = STARTS.has(call) || (request.method !== "GET" && url.pathname.startsWith("/contexts"));
  if (lastSave.isEnding && starts) throw new SupervisorError(ENDING.code, ENDING.message);
  switch (call) {
    case "POST /execute":
      return await execute(processes, request);
    case "POST /kill":
      return await kill(executions, request);
    case "POST /stop":
      return await stop(processes);
    case "GET /processes":
      return listProcesses(processes);
    case "POST /freeze":
      return await freeze(processes, () => changing);
    case "POST /thaw":
      return await thaw(processes);
    case "PUT /services":
      return await putServices(processes, request);
    case "GET /watch":
      return Response.json((await lastSave.watch(request.signal)) satisfies WatchAnswer);
    case "GET /terminals":
      return listTerminals(processes.terminals, url);
    case "GET /executions":
      return listExecutions(executions, url);
    case "GET /health":
      return Response.json({ status: "ok", bootId } satisfies Health);
    case "GET /stats":
      return Response.json({
        ...(await files.stats()),
        ...executions.usage(),
      } satisfies WorkspaceStats);
    default:
      break;
  }
  const [, id, output] = /^\/executions\/(exe_[0-9a-z]{20})(\/output)?$/.exec(url.pathname) ?? [];
  if (id !== undefined && request.method === "GET") {
    return output === undefined ? Response.json(executions.record(id)) : readOutput(executions, id, request, url);
  }
  const [, terminalId] = /^\/terminals\/(trm_[0-9a-z]{20})$/.exec(url.pathname) ?? [];
  if (terminalId !== undefined && request.method === "DELETE") return closeTerminal(processes.terminals, terminalId);
  const inContexts = handleContexts(processes.contexts, request, url);
  if (inContexts !== null) return await (request.method === "GET" ? inContexts : counted(inContexts));
  const answer = files.handle(request, url);
  if (answer !== null) return await (request.method === "GET" || request.method === "HEAD" ? answer : counted(answer));
  const saved = services.snapshots.handle(request, url);
  if (saved !== null) return await saved;
  const restored = services.restores.handle(request, url);
  if (restored !== null) return await counted(restored);
  throw new SupervisorError("not_found", `The supervisor has no ${request.method} ${url.pathname}`);
}

async function counted<T>(call: Promise<T>): Promise<T> {
  changing += 1;
  try {
    return await call;
  } finally {
    changing -= 1;
  }
}

/** In a time that says nothing about where they differ. */
function isEqual(given: string, expected: string): boolean {
  let difference = given.length ^ expected.length;
  for (let at = 0; at < expected.length; at++) difference |= given.charCodeAt(at) ^ expected.charCodeAt(at);
  return difference === 0;
}
