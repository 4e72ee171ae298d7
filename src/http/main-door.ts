// The main host beside the API: what this is, its reference, its console, and whether it lives.
import { problemResponse } from "../contract/errors.ts";
import type { Env } from "../env.ts";
import { isConsole } from "./console.ts";
import { consoleDoor } from "./console-door.ts";
import { docs, isDocs } from "./docs-door.ts";

export interface MainDoor {
  readonly env: Env;
  readonly url: URL;
  readonly path: string;
  readonly requestId: string;
}

export async function mainDoor(request: Request, { env, url, path, requestId }: MainDoor): Promise<Response> {
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (isDocs(path)) {
    return isRead ? ((await docs(request, env, path)) ?? nothingAt(path, requestId)) : notAllowed(request, requestId);
  }
  if (isConsole(path)) {
    return isRead
      ? ((await consoleDoor(request, env, url)) ?? nothingAt(path, requestId))
      : notAllowed(request, requestId);
  }
  switch (path) {
    case "/":
      return isRead ? welcome(request, url) : notAllowed(request, requestId);
    case "/health":
      return isRead ? Response.json({ status: "ok" }) : notAllowed(request, requestId);
    default:
      return nothingAt(path, requestId);
  }
}

function nothingAt(path: string, requestId: string): Response {
  return problemResponse(
    { code: "not_found", message: `Nothing is served at ${path.slice(0, 200)}. The API is under /api.` },
    { requestId },
  );
}

function welcome(request: Request, url: URL): Response {
  const { origin } = url;
  const links = {
    console: `${origin}/console/`,
    docs: `${origin}/docs`,
    api: `${origin}/api`,
    openapi: `${origin}/api/openapi.json`,
    mcp: `${origin}/mcp`,
    health: `${origin}/health`,
  };
  if (!request.headers.get("accept")?.includes("text/html")) {
    return Response.json({ name: "buntime", ...links });
  }
  const items = Object.entries(links).map(([name, link]) => `<li>${name}: <a href="${link}">${link}</a></li>`);
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>buntime</title>
<h1>buntime</h1>
<p>A persistent Bun machine over HTTPS for every AI agent.</p>
<ul>${items.join("")}</ul>
</html>
`;
  return new Response(html, { headers: { "content-type": "text/html; charset=utf-8" } });
}

function notAllowed(request: Request, requestId: string): Response {
  return problemResponse(
    { code: "method_not_allowed", message: `${request.method} is not possible here. Possible: GET, HEAD.` },
    { requestId, headers: { allow: "GET, HEAD" } },
  );
}
