// `buntime mcp`: for clients of the Model Context Protocol that start a program and speak with it over stdin and stdout.
import type { Command } from "commander";
import { note, writeBytes } from "../output.ts";
import { examples } from "../program.ts";
import { globalsOf, readSettings } from "../settings.ts";

const CONFIGURATION = `
In a client's configuration:
  {
    "mcpServers": {
      "buntime": { "command": "npx", "args": ["buntime", "mcp"], "env": { "BUNTIME_API_KEY": "btk_…" } }
    }
  }
`;

export function define(mcp: Command): void {
  mcp
    .description(
      "Speak the Model Context Protocol over stdin and stdout: messages go to the platform's MCP server and back. Ends with " +
        "its input. Without --session the platform makes a session on first use, and deletes it in the end.",
    )
    .option("--session <session>", "the session to work in, by its id or name; one with a new name is made")
    .option("--url <url>", "of the MCP server (default: /mcp where the API is)")
    .addHelpText("after", CONFIGURATION)
    .addHelpText("after", examples("$ buntime mcp", "$ buntime mcp --session my-agent"))
    .action(start);
}

async function start(options: { url?: string; session?: string }, command: Command): Promise<void> {
  const [{ apiKey, baseUrl }, { pipeMcp }] = await Promise.all([readSettings(globalsOf(command)), import("../mcp.ts")]);
  const url = new URL(options.url ?? mcpUrl(baseUrl));
  if (options.session !== undefined) url.searchParams.set("session", options.session);
  const leave = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => leave.abort());
  await pipeMcp({
    url: url.href,
    apiKey,
    input: process.stdin,
    signal: leave.signal,
    output: (line) => writeBytes(process.stdout, Buffer.from(`${line}\n`)),
    log: note,
  });
}

/** Beside `/api` on the main host; on the API's own host below its root. */
function mcpUrl(baseUrl: string): string {
  const url = new URL(baseUrl);
  return `${url.origin}${url.pathname.replace(/\/?(api)?\/?$/, "")}/mcp`;
}
