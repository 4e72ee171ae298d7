// `buntime mcp` with the protocol's own client on the other side of the pipe.
import { Client as McpClient } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { onTestFinished, expect, test } from "vitest";
import { platformOfRun, sharedSession } from "../support/e2e.ts";
import { buntime, environment, MAIN } from "./command.ts";

const platform = platformOfRun();
const session = sharedSession(platform);

async function connect(args: readonly string[] = []): Promise<McpClient> {
  const client = new McpClient({ name: "test", version: "1" });
  const env = Object.fromEntries(
    Object.entries(environment()).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [MAIN, "mcp", ...args], env }));
  onTestFinished(() => client.close());
  return client;
}

test("tools are found and called, and work in the session that is named", async () => {
  const client = await connect(["--session", session.id]);
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(["run_command", "read_file", "write_file"]));
  const calls = ["one ☃", "two"].map((text) =>
    client.callTool({ name: "run_command", arguments: { command: `printf '%s' '${text}'; echo ${text} >> said` } }),
  );
  expect(JSON.stringify(await Promise.all(calls))).toMatch(/one ☃[^]*two/);
  const { stdout } = await buntime(["files", "cat", session.id, "said"]);
  expect(stdout.trimEnd().split("\n").toSorted()).toEqual(["one ☃", "two"]);
});

test("what is no message, or has no platform to go to, is answered with an error", async () => {
  const request = JSON.stringify({ jsonrpc: "2.0", id: 7, method: "ping" });
  const env = { BUNTIME_BASE_URL: "http://127.0.0.1:9/api" };
  const { code, stdout } = await buntime(["mcp"], { input: `nonsense\n\n${request}\n`, env });
  expect(code).toBe(0);
  const answers = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(answers).toMatchObject([
    { id: null, error: { code: -32_700 } },
    { id: 7, error: { message: expect.stringContaining("cannot be reached") } },
  ]);
});

test("a key that is wrong is told in the answer", async () => {
  const request = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" });
  const env = { BUNTIME_API_KEY: "btk_wrongwrongwrongwrong" };
  const { stdout } = await buntime(["mcp"], { input: `${request}\n`, env });
  expect(JSON.parse(stdout)).toMatchObject({ id: 1, error: { message: expect.stringMatching(/key/i) } });
});

test("a request has one answer, also where the platform's stream ends without it, or breaks after it", async () => {
  const notification = { jsonrpc: "2.0", method: "notifications/message", params: {} };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { id } = JSON.parse(await text(request));
    const messages = id === 1 ? [notification] : [notification, { jsonrpc: "2.0", id, result: {} }];
    response.writeHead(200, { "content-type": "text/event-stream" });
    const sent = messages.map((message) => `data: ${JSON.stringify(message)}\n\n`).join("");
    response.write(`id: 1\ndata:\n\n${sent}`, () => (id === 1 ? response.end() : response.destroy()));
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  // SAFETY: it listens on TCP.
  const { port } = server.address() as AddressInfo;
  const input = [1, 2].map((id) => `${JSON.stringify({ jsonrpc: "2.0", id, method: "ping" })}\n`).join("");
  const { stdout } = await buntime(["mcp", "--url", `http://127.0.0.1:${port}/mcp`], { input });
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const answers = lines.filter(({ method }) => method === undefined).toSorted((a, b) => a.id - b.id);
  expect(answers).toEqual([
    { jsonrpc: "2.0", id: 1, error: { code: -32_000, message: expect.stringContaining("without an answer") } },
    { jsonrpc: "2.0", id: 2, result: {} },
  ]);
  expect(lines).toHaveLength(4);
});
