// The MCP server as one request sees it: tools and resources over the caller's sessions.
import { McpServer } from "@modelcontextprotocol/server";
import { registerResources } from "./resources.ts";
import type { ToolContext } from "./tool.ts";
import { contextTools } from "./tools/contexts.ts";
import { executeTools } from "./tools/execute.ts";
import { fileTools } from "./tools/files.ts";
import { processTools } from "./tools/processes.ts";
import { serviceTools } from "./tools/services.ts";
import { snapshotTools } from "./tools/snapshots.ts";

const TOOLS = [...executeTools, ...contextTools, ...fileTools, ...serviceTools, ...processTools, ...snapshotTools];

const INSTRUCTIONS = `A Linux machine of your own, with Bun, whose files stay in /workspace.

The machine (a session) is made by the first tool that needs it and is there for the following calls: nothing has to be
opened or closed. It falls asleep when nobody uses it, which ends its processes but keeps its files and services, and
wakes by itself. Give \`session\` only to use another one, such as a fork.

To serve something, listen on a port (8080 is the usual one) and give people the URL of get_preview_url. What shall run
for good belongs into start_service.`;

export function mcpServer(context: ToolContext): McpServer {
  const server = new McpServer(
    { name: "buntime", title: "buntime", version: "1", description: "A persistent Bun machine for every agent" },
    // Nothing of this changes while a client is connected, so there is nothing to subscribe to.
    { instructions: INSTRUCTIONS, capabilities: { tools: { listChanged: false }, resources: { listChanged: false } } },
  );
  for (const tool of TOOLS) {
    tool.register(server, context);
  }
  registerResources(server, context);
  return server;
}
