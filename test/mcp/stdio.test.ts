// `buntime mcp` as a program on the user's machine starts it: the official client over stdin and stdout.
import path from "node:path";
import { Client } from "@modelcontextprotocol/client";
import type { ClientOptions } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { describe, it, onTestFinished } from "vitest";
import { api, deleteAfterwards, run, sessionOf, textOf } from "./connection.ts";

const COMMAND = path.join(import.meta.dirname, "../../src/cli/main.ts");

interface StartOptions {
  readonly args?: readonly string[];
  readonly client?: ClientOptions;
  readonly key?: string;
}

async function start({ args = [], client: options, key = run.apiKey }: StartOptions = {}): Promise<Client> {
  const client = new Client({ name: "stdio test", version: "1" }, options);
  onTestFinished(() => client.close());
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [COMMAND, "mcp", ...args],
      env: { PATH: process.env["PATH"] ?? "", BUNTIME_API_KEY: key, BUNTIME_BASE_URL: new URL("/api", run.url).href },
    }),
  );
  return client;
}

describe("buntime mcp", () => {
  it("gives a program the tools and resources, and one session of its own that ends with it", async ({ expect }) => {
    const [one, other] = await Promise.all([start(), start()]);
    expect((await one.listTools()).tools).toHaveLength(15);
    const written = await one.callTool({ name: "write_file", arguments: { path: "a.txt", content: "zwölf\n" } });
    const session = sessionOf(written);
    const ran = await one.callTool({
      name: "execute_code",
      arguments: { code: "console.log(await Bun.file('a.txt').text())" },
    });
    expect(textOf(ran)).toContain("zwölf");
    const { contents } = await one.readResource({ uri: `buntime://${session}/a.txt` });
    expect(contents).toMatchObject([{ text: "zwölf\n" }]);

    const elsewhere = await other.callTool({ name: "list_files", arguments: {} });
    expect(sessionOf(elsewhere)).not.toBe(session);

    await one.close();
    expect((await api.request("GET", `/sessions/${session}`)).status).toBe(404);
  });

  it("works in the session that it is told, and leaves it there", async ({ expect }) => {
    const name = `stdio-${crypto.randomUUID().slice(0, 8)}`;
    deleteAfterwards(name);
    const client = await start({ args: ["--session", name] });
    expect(sessionOf(await client.callTool({ name: "list_files", arguments: {} }))).toBe(name);
    await client.close();
    expect((await api.request("GET", `/sessions/${name}`)).status).toBe(200);
  });

  it("speaks the newest version of the protocol with who knows it", async ({ expect }) => {
    const client = await start({ client: { versionNegotiation: { mode: "auto" } } });
    expect(client.getNegotiatedProtocolVersion()).toBe("2026-07-28");
    const answer = await client.callTool({ name: "run_command", arguments: { command: "echo ß" } });
    deleteAfterwards(sessionOf(answer));
    expect(textOf(answer)).toContain("ß");
  });

  it("tells a program whose key is wrong", async ({ expect }) => {
    await expect(start({ key: "btk_wrong000000000000" })).rejects.toThrow(/not known/);
  });
});
