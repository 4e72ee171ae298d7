// The Streamable HTTP endpoint. Every request is served on its own, whichever instance of the Worker gets it: clients up to
// 2025-11-25 are given an `Mcp-Session-Id`, which names their session; those of 2026-07-28 know no such thing.
import { createMcpHandler } from "@modelcontextprotocol/server";
import { ERRORS } from "../contract/errors.ts";
import type { Problem } from "../contract/errors.ts";
import { JSON_DEPTH, MCP_BODY_BYTES } from "../contract/limits.ts";
import { SESSIONS } from "../contract/routes/sessions.ts";
import { SessionRef } from "../contract/session.ts";
import { describe, logError } from "../lib/log.ts";
import { ProblemError } from "../lib/problem-error.ts";
import { readJson } from "../lib/strict-json.ts";
import { Api } from "../lib/api.ts";
import type { Send } from "../lib/api.ts";
import { newConnectionId, sessionOfClient, sessionOfConnection } from "./connection.ts";
import type { Caller, DefaultSession } from "./connection.ts";
import { mcpServer } from "./server.ts";

export interface McpCall {
  readonly caller: Caller;
  readonly requestId: string;
  readonly send: Send;
}

export const CONNECTION_HEADER = "mcp-session-id";
const CLIENT_INFO = "io.modelcontextprotocol/clientInfo";
const METHODS = "POST, DELETE";

/** JSON-RPC errors of the transport, as the specification numbers them. */
const RPC = { parse: -32_700, invalidRequest: -32_600, server: -32_000, sessionNotFound: -32_001 } as const;

export async function serveMcp(request: Request, call: McpCall): Promise<Response> {
  const connectionId = request.headers.get(CONNECTION_HEADER);
  const connected = connectionId === null ? null : await sessionOfConnection(call.caller, connectionId);
  if (connectionId !== null && connected === null) {
    return rpcError(404, RPC.sessionNotFound, "There is no such Mcp-Session-Id. Initialize anew.");
  }
  switch (request.method) {
    case "POST":
      return post(request, connected, call);
    case "DELETE":
      return connected === null
        ? rpcError(400, RPC.server, "Say in Mcp-Session-Id what shall end.")
        : end(connected, call);
    default:
      // A stream of what the server has to say by itself, which is nothing.
      return rpcError(405, RPC.server, `${request.method} is not possible here. Possible: ${METHODS}.`, {
        allow: METHODS,
      });
  }
}

async function post(request: Request, connected: string | null, call: McpCall): Promise<Response> {
  const body = await readJson(request, { bytes: MCP_BODY_BYTES, depth: JSON_DEPTH });
  if (!body.ok) {
    const { code, message } = body.error;
    return rpcError(ERRORS[code].status, RPC.parse, message);
  }
  const message = body.value;
  if (Array.isArray(message)) {
    return rpcError(400, RPC.invalidRequest, "Batches are not served. Send one message at a time.");
  }
  const defaultSession = await defaultSessionOf(request, message, connected, call.caller);
  if (defaultSession === null) {
    return rpcError(400, RPC.invalidRequest, "`session` in the URL is neither a session id nor a session name.");
  }
  const context = { api: new Api(call.send), defaultSession, requestId: call.requestId };
  let failure: Error | undefined;
  const handler = createMcpHandler(() => mcpServer(context), {
    // An event stream is kept alive while a program runs for minutes.
    responseMode: "sse",
    maxSubscriptions: 0,
    // What a client did wrong is told here, too.
    onerror: (error) => (failure = error),
  });
  const response = await handler.fetch(request, { parsedBody: message });
  if (response.status >= 500) {
    logError("unexpected", {
      requestId: call.requestId,
      url: "/mcp",
      reason: describe(failure),
      stack: failure?.stack,
    });
  }
  if (!response.ok || memberOf(message, "method") !== "initialize") {
    return response;
  }
  const answered = new Response(response.body, response);
  answered.headers.set(CONNECTION_HEADER, await newConnectionId(call.caller));
  return answered;
}

/** Null where the URL names what cannot be a session. */
async function defaultSessionOf(
  request: Request,
  message: unknown,
  connected: string | null,
  caller: Caller,
): Promise<DefaultSession | null> {
  if (caller.sessionId !== null) {
    return { ref: caller.sessionId, made: false };
  }
  const named = new URL(request.url).searchParams.get("session");
  if (named !== null) {
    // A name is made by whoever configures a client; an id that is not there cannot be made.
    return SessionRef.safeParse(named).success ? { ref: named, made: !named.startsWith("ses_") } : null;
  }
  if (connected !== null) {
    return { ref: connected, made: true };
  }
  const client = memberOf(memberOf(memberOf(memberOf(message, "params"), "_meta"), CLIENT_INFO), "name");
  return { ref: await sessionOfClient(caller, typeof client === "string" ? client : ""), made: true };
}

/** Deletes the session that the connection has made for itself, if it has. */
async function end(session: string, { caller, send, requestId }: McpCall): Promise<Response> {
  if (caller.sessionId !== null) {
    return new Response(null, { status: 204 });
  }
  try {
    await new Api(send).call(SESSIONS.deleteSession, { params: { id: session } });
  } catch (error) {
    if (!(error instanceof ProblemError)) {
      throw error;
    }
    // A key that may not delete sessions may not make them either, so there is none of its own.
    if (error.problem.code !== "session_not_found" && error.problem.code !== "forbidden") {
      return refused(error.problem, requestId);
    }
  }
  return new Response(null, { status: 204 });
}

function refused({ code, message }: Problem, requestId: string): Response {
  return rpcError(ERRORS[code].status, RPC.server, `${code}: ${message} (${requestId})`);
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function rpcError(status: number, code: number, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ jsonrpc: "2.0", error: { code, message }, id: null }, { status, headers });
}
