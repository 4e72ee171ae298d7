// The engine's HTTP API, on loopback and behind a token. What each call promises:
//   GET    /health                        {status: "ok"}
//   POST   /containers/:id/start {env, internet}  {running: true} once it is launched; nothing happens when it runs
//   GET    /containers/:id                {running, exit: {reason} | null}
//   GET    /containers/:id/wait           the same, as soon as it does not run; after 20 s in any case
//   POST   /containers/:id/signal {signal}  to its PID 1; answers {running, exit}
//   DELETE /containers/:id                {running: false, exit: null}; its files are gone with it
//   POST   /containers/:id/ports/:port    {address}: where that port is reached on loopback while it runs
import { timingSafeEqual } from "node:crypto";
import { SESSION_ID } from "../../src/contract/ids.ts";
import { type Problem, problemResponse } from "../../src/contract/errors.ts";
import type { Containers } from "./containers.ts";
import { LaunchError } from "./launch.ts";

const WAIT_MS = 20_000;
const PATH = /^\/containers\/(\w+)(?:\/(start|wait|signal|ports)(?:\/(\d+))?)?$/;

export interface ServerOptions {
  readonly port: number;
  readonly token: string;
}

export function serve(containers: Containers, options: ServerOptions): { readonly url: string; stop(): Promise<void> } {
  const expected = Buffer.from(`Bearer ${options.token}`);
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: options.port,
    idleTimeout: (2 * WAIT_MS) / 1000,
    async fetch(request) {
      const given = Buffer.from(request.headers.get("authorization") ?? "");
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
        return problemResponse({
          code: "unauthorized",
          message: "the engine wants its token: Authorization: Bearer $ENGINE_TOKEN",
        });
      }
      try {
        return await answer(containers, request);
      } catch (error) {
        if (error instanceof EngineProblem) return problemResponse(error.problem);
        console.error(error);
        return problemResponse({ code: "internal_error", message: String(error) });
      }
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, stop: () => server.stop(true) };
}

class EngineProblem extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

async function answer(containers: Containers, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (request.method === "GET" && pathname === "/health") return Response.json({ status: "ok" });
  const [, id = "", action = "", port] = PATH.exec(pathname) ?? [];
  if (!SESSION_ID.test(id))
    throw new EngineProblem({ code: "not_found", message: `${pathname} is not a path of the engine` });

  switch (`${request.method} ${action}`) {
    case "GET ":
      return Response.json(containers.status(id));
    case "GET wait": {
      const running = containers.running(id);
      const given = new Promise((resolve) => request.signal.addEventListener("abort", resolve));
      let timer: Timer | undefined;
      const late = new Promise((resolve) => (timer = setTimeout(resolve, WAIT_MS)));
      await Promise.race([running?.exited, late, given]);
      clearTimeout(timer);
      return Response.json(containers.status(id));
    }
    case "POST start":
      await start(containers, id, await body(request));
      return Response.json({ running: true });
    case "POST signal": {
      const { signal } = await body(request);
      if (typeof signal !== "number" || !Number.isInteger(signal) || signal < 1 || signal > 64) {
        throw new EngineProblem({ code: "invalid_request", message: "signal must be a number from 1 to 64" });
      }
      containers.running(id)?.signal(signal);
      return Response.json(containers.status(id));
    }
    case "POST ports":
      return Response.json({ address: address(containers, id, Number(port)) });
    case "DELETE ":
      await containers.delete(id);
      return Response.json(containers.status(id));
    default:
      throw new EngineProblem({
        code: "method_not_allowed",
        message: `${request.method} is not possible on ${pathname}`,
      });
  }
}

async function start(containers: Containers, id: string, { env, internet }: Record<string, unknown>): Promise<void> {
  const entries = typeof env === "object" && env !== null ? Object.entries(env) : [];
  // It is the environment of the programs that build the container, too.
  const odd = entries.find(([name, value]) => !/^BUNTIME_\w+$/.test(name) || typeof value !== "string");
  if (odd !== undefined)
    throw new EngineProblem({ code: "invalid_request", message: `env.${odd[0]} is not a text named BUNTIME_…` });
  if (typeof internet !== "boolean")
    throw new EngineProblem({ code: "invalid_request", message: "internet is not true or false" });
  try {
    const texts = Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
    await containers.start(id, { env: texts, internet });
  } catch (error) {
    if (!(error instanceof LaunchError)) console.error(error);
    const message = error instanceof Error ? error.message : String(error);
    throw new EngineProblem({ code: "container_unavailable", message, details: { sessionId: id } });
  }
}

function address(containers: Containers, id: string, port: number): string {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new EngineProblem({ code: "invalid_request", message: "a port is a number from 1 to 65535" });
  }
  const found = containers.running(id)?.address(port) ?? null;
  if (found !== null) return found;
  throw new EngineProblem({
    code: "container_unavailable",
    message: `${id} does not run: start it first`,
    details: { sessionId: id },
  });
}

async function body(request: Request): Promise<Record<string, unknown>> {
  const value: unknown = await request.json().catch(() => null);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new EngineProblem({ code: "invalid_request", message: "the body must be a JSON object" });
}
