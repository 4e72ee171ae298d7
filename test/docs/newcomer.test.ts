// What README promises a newcomer, in the oldest Node that it names and in today's: a shell in a session, a file copied, a
// machine for an MCP client.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { describe, expect, onTestFinished, test } from "vitest";
import * as z from "zod";
import { ROOT } from "../../src/local/repository.ts";
import { otherNode } from "../package/project.ts";
import { folder, platform, project, run } from "./reader.ts";

const NODES = [
  { name: "Node 20", node: otherNode(20) },
  { name: `Node ${process.versions.node.split(".")[0]}`, node: process.execPath },
];
const COMMAND = path.join(project, "node_modules/.bin/buntime");

const Config = z.object({
  mcpServers: z.object({
    buntime: z.object({
      command: z.literal("buntime"),
      args: z.array(z.string()),
      env: z.record(z.string(), z.string()),
    }),
  }),
});

/** Of README, with the reader's own key and address. */
function mcpConfig(): z.output<typeof Config>["mcpServers"]["buntime"] {
  const [, text = ""] = /^```json\n([\s\S]*?)^```/m.exec(readFileSync(path.join(ROOT, "README.md"), "utf8")) ?? [];
  const own = text.replaceAll("localhost:8787", platform.domain).replaceAll("btk_…", platform.apiKey);
  return Config.parse(JSON.parse(own)).mcpServers.buntime;
}

describe.each(NODES)("in $name", ({ node }) => {
  test.skipIf(node === null)("a file is copied and a shell ends as its program does", async () => {
    const cwd = folder();
    writeFileSync(path.join(cwd, "data.csv"), "a,b\n");
    const buntime = (...args: string[]) => run([node ?? "", COMMAND, ...args], { cwd });
    const session = (await buntime("sessions", "create")).stdout.trim();
    onTestFinished(() => void buntime("sessions", "delete", session));
    expect(await buntime("cp", "data.csv", `${session}:`)).toMatchObject({ code: 0 });
    const shell = await buntime("shell", session, "--", "sh", "-c", "cat data.csv; exit 4");
    expect(shell).toMatchObject({ code: 4, stderr: "" });
    expect(shell.stdout).toContain("a,b");
  });

  test.skipIf(node === null)("README's configuration gives an MCP client a machine", async () => {
    const { args, env } = mcpConfig();
    const client = new Client({ name: "newcomer", version: "1" });
    // As the client would find the command: by its PATH.
    await client.connect(new StdioClientTransport({ command: node ?? "", args: [COMMAND, ...args], env }));
    onTestFinished(() => client.close());
    const code = "console.log(6 * 7)";
    const { content } = await client.callTool({ name: "execute_code", arguments: { code } });
    expect(JSON.stringify(content)).toContain("42");
  });
});
