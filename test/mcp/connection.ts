// A client of the official library, connected for one test; and the platform's own API beside it.
import { Client as McpClient, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import type { CallToolResult, ClientOptions } from "@modelcontextprotocol/client";
import { inject, onTestFinished } from "vitest";
import * as z from "zod";
import { NewAccount } from "../../src/contract/account.ts";
import type { CreateAccount } from "../../src/contract/account.ts";
import { Client } from "../support/e2e.ts";

export const run = inject("mcpRun");
export const api = new Client({ url: run.url, apiKey: run.apiKey, domain: run.domain });
const operator = new Client({ url: run.url, apiKey: run.adminKey, domain: run.domain });
export const MCP_URL = new URL("/mcp", run.url);

export interface ConnectOptions {
  readonly key?: string;
  /** After `/mcp`, such as `?session=my-agent`. */
  readonly query?: string;
  /** As the client names itself. */
  readonly name?: string;
  readonly client?: ClientOptions;
}

export interface Connection {
  readonly client: McpClient;
  readonly transport: StreamableHTTPClientTransport;
  readonly call: (name: string, args?: Record<string, unknown>) => Promise<CallToolResult>;
}

/** Ends with the test, and the session that it has made for itself with it. */
export async function connect(options: ConnectOptions = {}): Promise<Connection> {
  const { key = run.apiKey, query = "", name = "test" } = options;
  const client = new McpClient({ name, version: "1" }, options.client);
  const transport = new StreamableHTTPClientTransport(new URL(`${MCP_URL.href}${query}`), {
    requestInit: { headers: { authorization: `Bearer ${key}` } },
  });
  await client.connect(transport);
  onTestFinished(async () => {
    await transport.terminateSession();
    await client.close();
  });
  return { client, transport, call: (tool, args = {}) => client.callTool({ name: tool, arguments: args }) };
}

/** What a model reads of a result. */
export function textOf({ content }: CallToolResult): string {
  return content.map((block) => (block.type === "text" ? block.text : `[${block.type}]`)).join("\n");
}

/** What a program reads of a result. */
export function dataOf<T>(schema: z.ZodType<T>, { structuredContent }: CallToolResult): T {
  return schema.parse(structuredContent);
}

const Session = z.object({ session: z.string() });

/** The session that a call has used, as its result names it. */
export function sessionOf(result: CallToolResult): string {
  return dataOf(Session, result).session;
}

/** What names no session in its clients has to end, since 2026-07-28 knows no end of a connection. */
export function deleteAfterwards(ref: string, client = api): void {
  onTestFinished(async () => {
    await client.request("DELETE", `/sessions/${ref}`);
  });
}

/** The key of a new account, and that account's API. */
export async function newAccount(
  name: string,
  limits: z.input<typeof CreateAccount>["limits"] = {},
): Promise<{ readonly key: string; readonly api: Client }> {
  const { id, key } = await operator.ask(NewAccount, "POST", "/admin/accounts", { name, plan: "enterprise", limits });
  onTestFinished(async () => {
    await operator.request("DELETE", `/admin/accounts/${id}`);
  });
  return { key, api: new Client({ url: run.url, apiKey: key, domain: run.domain }) };
}

/** A message as it goes over the wire, for what no library sends. */
export async function post(
  body: NonNullable<RequestInit["body"]>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return await fetch(MCP_URL, {
    method: "POST",
    body,
    headers: {
      authorization: `Bearer ${run.apiKey}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...headers,
    },
  });
}
