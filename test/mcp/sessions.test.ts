import { describe, it } from "vitest";
import { NewKey } from "../../src/contract/account.ts";
import { SessionInfo, SessionList } from "../../src/contract/session.ts";
import { api, connect, deleteAfterwards, newAccount, post, sessionOf, textOf } from "./connection.ts";

const INITIALIZE = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "by hand", version: "1" } },
};

describe("Sessions", () => {
  it("are made on first use, one for each connection", async ({ expect }) => {
    const [one, other] = await Promise.all([connect(), connect()]);
    await one.client.listTools();
    expect((await one.client.listResources()).resources).toEqual([]);
    const made = await one.call("write_file", { path: "mine.txt", content: "one" });
    expect(textOf(made)).toContain("was made for this");
    const again = await one.call("read_file", { path: "mine.txt" });
    expect(textOf(again)).toBe("one");
    expect(sessionOf(again)).toBe(sessionOf(made));

    const elsewhere = await other.call("read_file", { path: "mine.txt" });
    expect(elsewhere.isError).toBe(true);
    expect(sessionOf(await other.call("list_files"))).not.toBe(sessionOf(made));
  });

  it("are made once, however many first calls there are at the same time", async ({ expect }) => {
    const { call } = await connect();
    const results = await Promise.all(
      Array.from({ length: 6 }, (_, index) => call("write_file", { path: `${index}.txt`, content: "" })),
    );
    expect(new Set(results.map(sessionOf)).size).toBe(1);
    expect(results.filter((result) => textOf(result).includes("was made for this"))).toHaveLength(1);
    expect((await call("list_files")).structuredContent).toMatchObject({ total: 6 });
  });

  it("end with their connection, but not when they were chosen by name", async ({ expect }) => {
    const chosen = await api.createSession({ name: `chosen-${crypto.randomUUID().slice(0, 8)}` });
    deleteAfterwards(chosen.id);
    const { call, transport } = await connect();
    const own = sessionOf(await call("list_files"));
    await call("write_file", { path: "a", content: "", session: chosen.name });
    expect((await api.request("GET", `/sessions/${own}`)).status).toBe(200);
    await transport.terminateSession();
    expect((await api.request("GET", `/sessions/${own}`)).status).toBe(404);
    expect((await api.request("GET", `/sessions/${chosen.id}`)).status).toBe(200);
  });

  it("are made anew when they are gone, and the model is told", async ({ expect }) => {
    const { call } = await connect();
    const first = await call("write_file", { path: "a.txt", content: "" });
    await api.request("DELETE", `/sessions/${sessionOf(first)}`);
    const second = await call("list_files");
    expect(textOf(second)).toMatch(/^There are no files here\.[^]*was made for this/);
  });

  it("may be named in the URL, and stay when the connection ends", async ({ expect }) => {
    const name = `agent-${crypto.randomUUID().slice(0, 8)}`;
    deleteAfterwards(name);
    const one = await connect({ query: `?session=${name}` });
    const made = await one.call("write_file", { path: "a.txt", content: "kept" });
    expect(sessionOf(made)).toBe(name);
    await one.transport.terminateSession();
    const other = await connect({ query: `?session=${name}` });
    expect(textOf(await other.call("read_file", { path: "a.txt" }))).toBe("kept");
  });

  it("of clients that know no connections are one for each key and program", async ({ expect }) => {
    const modern = { client: { versionNegotiation: { mode: { pin: "2026-07-28" } } } } as const;
    const name = `program-${crypto.randomUUID()}`;
    const one = await connect({ ...modern, name });
    const made = await one.call("write_file", { path: "a.txt", content: "kept" });
    deleteAfterwards(sessionOf(made));
    const same = await connect({ ...modern, name });
    expect(textOf(await same.call("read_file", { path: "a.txt" }))).toBe("kept");
    const other = await connect({ ...modern, name: `${name}-2` });
    const elsewhere = await other.call("list_files");
    deleteAfterwards(sessionOf(elsewhere));
    expect(sessionOf(elsewhere)).not.toBe(sessionOf(made));
  });
});

describe("Versions of the protocol", () => {
  it.for(["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"])(
    "%s is spoken with who asks for it",
    async (version, { expect }) => {
      const { client, transport, call } = await connect({ client: { supportedProtocolVersions: [version] } });
      expect(client.getNegotiatedProtocolVersion()).toBe(version);
      expect(transport.sessionId).toMatch(/^mcp_/);
      expect(textOf(await call("execute_code", { code: "console.log(1)" }))).toContain("stdout:\n1\n");
    },
  );

  it("2026-07-28 is spoken with who finds it out", async ({ expect }) => {
    const { client, call } = await connect({ name: "finds out", client: { versionNegotiation: { mode: "auto" } } });
    expect(client.getNegotiatedProtocolVersion()).toBe("2026-07-28");
    const answer = await call("execute_code", { code: "console.log(1)" });
    deleteAfterwards(sessionOf(answer));
    expect(textOf(answer)).toContain("stdout:\n1\n");
    expect(client.getInstructions()).toContain("/workspace");
  });

  it("that nobody knows are answered with one that is known", async ({ expect }) => {
    const params = { ...INITIALIZE.params, protocolVersion: "2031-01-01" };
    const response = await post(JSON.stringify({ ...INITIALIZE, params }));
    expect(await response.text()).toContain('"protocolVersion":"2025-11-25"');
  });
});

describe("Accounts", () => {
  it("cannot use each other's Mcp-Session-Id", async ({ expect }) => {
    const mallory = await newAccount("mallory");
    const { call, transport } = await connect();
    const owned = sessionOf(await call("write_file", { path: "secret.txt", content: "secret" }));
    const headers = { "mcp-session-id": transport.sessionId ?? "", authorization: `Bearer ${mallory.key}` };
    const read = { name: "read_file", arguments: { path: "secret.txt" } };
    const stolen = await post(JSON.stringify({ jsonrpc: "2.0", id: 2, method: "tools/call", params: read }), headers);
    expect(stolen.status).toBe(404);
    expect(await stolen.text()).not.toContain("secret");
    const ended = await fetch(new URL("/mcp", api.url), { method: "DELETE", headers });
    expect(ended.status).toBe(404);
    expect((await api.request("GET", `/sessions/${owned}`)).status).toBe(200);

    const hers = await connect({ key: mallory.key });
    for (const session of [owned, (await api.ask(SessionInfo, "GET", `/sessions/${owned}`)).id]) {
      expect(await hers.call("read_file", { path: "secret.txt", session })).toMatchObject({
        isError: true,
        _meta: { "buntime/error": { code: "session_not_found" } },
      });
      await expect(hers.client.readResource({ uri: `buntime://${session}/secret.txt` })).rejects.toThrow();
    }
    expect((await mallory.api.ask(SessionList, "GET", "/sessions")).total).toBe(0);
  });

  it("are held to the scopes of their keys and to the session that a key is for", async ({ expect }) => {
    const reader = await api.ask(NewKey, "POST", "/keys", { scopes: ["files:read", "sessions:read"] });
    const session = await api.createSession();
    deleteAfterwards(session.id);
    await api.request("PUT", `/sessions/${session.id}/files/a.txt`, { body: "a" });

    const reading = await connect({ key: reader.key });
    expect(textOf(await reading.call("read_file", { path: "a.txt", session: session.id }))).toBe("a");
    for (const refused of [
      await reading.call("run_command", { command: "true", session: session.id }),
      await reading.call("list_files"),
    ]) {
      expect(refused).toMatchObject({ isError: true, _meta: { "buntime/error": { code: "forbidden" } } });
    }

    const bound = await api.ask(NewKey, "POST", "/keys", { sessionId: session.id });
    const alone = await connect({ key: bound.key, query: "?session=another" });
    const listed = await alone.call("list_files");
    expect(sessionOf(listed)).toBe(session.id);
    await alone.transport.terminateSession();
    expect((await api.request("GET", `/sessions/${session.id}`)).status).toBe(200);
  });

  it("count a message as one request, and are refused past the limit of their plan", async ({ expect }) => {
    const { key } = await newAccount("counted", { requestsPerMinute: 2 });
    const write = { name: "write_file", arguments: { path: "a.txt", content: "a" } };
    const ask = (): Promise<Response> =>
      post(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: write }), {
        authorization: `Bearer ${key}`,
      });
    const first = await ask();
    expect(await first.text()).toContain("was made for this");
    expect(first.headers.get("x-ratelimit-remaining")).toBe("1");
    expect(await (await ask()).text()).toContain("Wrote 1 byte");
    const third = await ask();
    expect(third.status).toBe(429);
    expect(third.headers.get("retry-after")).toMatch(/^\d+$/);
  });
});
