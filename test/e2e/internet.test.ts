// Sessions that are cut off from the network, beside ones that are not: both look for one server elsewhere.
import { createServer } from "node:http";
import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Session } from "../../src/contract/session.ts";
import type { Client } from "../../scripts/client.ts";
import { readText } from "../../scripts/client.ts";
import { newSession, ON_DOCKER, problem } from "../support/e2e.ts";
import { infoOf, processesOf, takeSnapshot } from "../support/life.ts";
import { startTestPlatform } from "../support/platform.ts";
import { TerminalViewer } from "../support/terminal.ts";

/** What a program without a network takes until it knows. Some try again for a while before they tell. */
const SOON_MS = 8000;
const asked: string[] = [];
const elsewhere = createServer((request, response) => {
  asked.push(request.url ?? "");
  response.end("elsewhere");
});
/** This machine's, which containers reach as they would any other: the engine's proxy is told to let them. */
let address = "";
let client: Client;

beforeAll(async () => {
  await new Promise<void>((resolve) => elsewhere.listen(0, "0.0.0.0", resolve));
  const own = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  const host = own.find(({ internal, family }) => !internal && family === "IPv4")?.address;
  const bound = elsewhere.address();
  if (host === undefined || bound === null || typeof bound === "string") throw new Error("this machine has no address");
  address = `${host}:${bound.port}`;
  const platform = await startTestPlatform({ docker: ON_DOCKER, env: { ENGINE_EGRESS_ALLOW: address } });
  client = platform.client;
  return () => platform.stop();
});
afterAll(() => void elsewhere.close());

/** Tells "elsewhere", or the name of the error. */
const fetchElsewhere = (path = ""): string =>
  `console.log(await fetch("http://${address}/${path}").then((answer) => answer.text(), ({ code, name }) => "no: " + (code ?? name)));`;

async function reached(sessionId: string): Promise<string> {
  const { stdout, executionTime } = await client.execute({ sessionId, code: fetchElsewhere() });
  expect(executionTime).toBeLessThan(SOON_MS);
  return stdout.trim();
}

const change = (id: string, json: object): Promise<Session> => client.ask(Session, "PATCH", `/sessions/${id}`, json);

describe("code in a session", () => {
  test("reaches the network, unless the session was created without it: then it learns so at once", async () => {
    const open = await newSession(client);
    const closed = await newSession(client, { internet: false });
    expect([open.internet, closed.internet]).toEqual([true, false]);
    expect(await reached(open.id)).toBe("elsewhere");
    expect(await reached(closed.id)).toMatch(/^no: /);
    expect((await infoOf(client, closed.id)).internet).toBe(false);
  });

  test("runs without the network once, in a session of its own", async () => {
    const code = fetchElsewhere();
    expect((await client.execute({ code, internet: true })).stdout).toBe("elsewhere\n");
    expect((await client.execute({ code, internet: false })).stdout).toMatch(/^no: /);
  });
});

describe("a session without the network", () => {
  test("finds no name and connects nowhere, by whatever program", async () => {
    const { id: sessionId } = await newSession(client, { internet: false });
    const code = `import { connect } from "node:net";
const [host, port] = ${JSON.stringify(address)}.split(":");
const error = (work) => work.then(() => "no error", ({ code, name }) => code ?? name);
const dial = new Promise((resolve, reject) => connect(Number(port), host).once("data", resolve).once("error", reject).once("close", () => reject(new Error("closed"))).write("GET / HTTP/1.0\\r\\n\\r\\n"));
console.log(JSON.stringify([
  await error(dial),
  await error(Bun.dns.lookup("example.com")),
  await error(fetch("https://example.com/")),
  Bun.spawnSync(["getent", "hosts", "example.com"]).exitCode,
]));`;
    const { stdout, executionTime } = await client.execute({ sessionId, code });
    const [dialled, lookedUp, fetched, getent] = JSON.parse(stdout);
    for (const error of [dialled, lookedUp, fetched]) expect(error).not.toBe("no error");
    expect(getent).not.toBe(0);
    expect(executionTime).toBeLessThan(SOON_MS);
  });

  test("installs no package, and says soon and by name which one", async () => {
    const { id: sessionId } = await newSession(client, { internet: false });
    const imported = await client.execute({ sessionId, code: `import "is-odd"` });
    expect(imported).toMatchObject({ exitCode: 1, timedOut: false });
    expect(imported.stderr).toContain("Cannot find package 'is-odd'");
    const added = await client.execute({ sessionId, command: "bun add is-odd" });
    expect(added).toMatchObject({ exitCode: 1, timedOut: false });
    expect(added.stderr).toContain("is-odd");
    expect(Math.max(imported.executionTime, added.executionTime)).toBeLessThan(SOON_MS);
  });

  test("is not opened by its own code, whatever that sets, unsets and knocks at", async () => {
    const { id: sessionId } = await newSession(client, { internet: false });
    const proxies = ["HTTP_PROXY", "http_proxy"];
    const attempts = [
      client.execute({
        sessionId,
        code: fetchElsewhere("unset"),
        env: Object.fromEntries(proxies.map((name) => [name, ""])),
      }),
      ...["127.0.0.1:3128", "127.0.0.1:39001", address].map((proxy) =>
        client.execute({
          sessionId,
          code: fetchElsewhere("set"),
          env: Object.fromEntries(proxies.map((name) => [name, `http://${proxy}`])),
        }),
      ),
      // The engine's proxy by its socket; and the sidecar's door, by every way that leads to it, to be told otherwise.
      client.execute({
        sessionId,
        code: `import { networkInterfaces } from "node:os";
import { connect } from "node:net";
await fetch("http://${address}/socket", { unix: "/run/buntime/egress.sock" }).catch(() => {});
const body = JSON.stringify({ internet: { enabled: true } });
const own = Object.values(networkInterfaces()).flat().map(({ address }) => address).filter((address) => !address.includes(":"));
for (const host of ["127.0.0.1", "127.0.0.2", ...own]) for (const localAddress of [undefined, "127.0.0.3", ...own]) {
  await new Promise((done) => {
    const socket = connect({ host, port: 39001, localAddress }, () => socket.write("PUT /egress HTTP/1.1\\r\\nhost: x\\r\\ncontent-length: " + body.length + "\\r\\n\\r\\n" + body));
    socket.once("data", () => socket.destroy()).once("error", done).once("close", done);
  });
}
${fetchElsewhere("told")}`,
      }),
      client.execute({
        sessionId,
        command: `ip route add default dev lo; curl -s --noproxy '*' http://${address}/curl; true`,
      }),
    ];
    for (const { stdout } of await Promise.all(attempts)) expect(stdout).not.toContain("elsewhere");
    expect(asked.filter((path) => path !== "/")).toEqual([]);
  });

  test("is used from outside as any other: files, snapshots, terminals, previews, and what listens inside", async () => {
    const { id: sessionId } = await newSession(client, { internet: false });
    const server = `Bun.serve({ port: 8080, fetch: () => new Response("preview") });`;
    expect((await client.execute({ sessionId, code: server })).background).toBe(true);
    expect(await readText(await client.preview(sessionId, "/"))).toBe("preview");
    const code = `console.log(await (await fetch("http://localhost:8080/")).text(), await Bun.file("a.txt").text())`;
    const files = [{ path: "a.txt", content: "a" }];
    expect((await client.execute({ sessionId, files, code })).stdout).toBe("preview a\n");
    expect((await takeSnapshot(client, sessionId)).files).toBeGreaterThan(0);
    const viewer = new TerminalViewer(client, sessionId);
    await viewer.ready();
    viewer.type("echo $((6 * 7))\r");
    await viewer.shows("42");
    viewer.drop();
  });

  test("stays so when it wakes from deep sleep, and so do its forks, unless they are asked otherwise", async () => {
    const { id } = await newSession(client, { internet: false });
    expect(await reached(id)).toMatch(/^no: /);
    expect((await client.ask(Session, "POST", `/sessions/${id}/sleep`)).state).toBe("deep-sleep");
    expect(await reached(id)).toMatch(/^no: /);
    const fork = async (json: object): Promise<Session> => client.ask(Session, "POST", `/sessions/${id}/fork`, json);
    const [same, other] = [await fork({}), await fork({ internet: true })];
    expect([same.internet, other.internet]).toEqual([false, true]);
    expect(await reached(same.id)).toMatch(/^no: /);
    expect(await reached(other.id)).toBe("elsewhere");
    for (const made of [same, other]) await client.request("DELETE", `/sessions/${made.id}`);
  });
});

describe("a change", () => {
  test("holds once it is answered: what ran before has ended with its container, and the files are there", async () => {
    const { id } = await newSession(client);
    const code = `await Bun.write("kept.txt", "kept"); setInterval(() => fetch("http://${address}/").catch(() => {}), 10); Bun.serve({ port: 8080, fetch: () => new Response("x") });`;
    expect((await client.execute({ sessionId: id, code })).background).toBe(true);

    expect(await change(id, { internet: false })).toMatchObject({ internet: false, state: "deep-sleep" });
    expect(await reached(id)).toMatch(/^no: /);
    const before = asked.length;
    expect((await client.execute({ sessionId: id, command: "cat kept.txt" })).stdout).toBe("kept");
    expect((await processesOf(client, id)).processes).toEqual([]);
    expect(asked).toHaveLength(before);

    expect(await change(id, { internet: true })).toMatchObject({ internet: true, state: "deep-sleep" });
    expect(await reached(id)).toBe("elsewhere");
  });

  test("to what it is already disturbs nothing, nor does one of a session that has no container", async () => {
    const { id } = await newSession(client, { internet: false });
    const { pid } = await client.execute({ sessionId: id, command: "sleep 1000", background: true });
    expect(await change(id, { internet: false, tags: ["x"] })).toMatchObject({ internet: false, state: "active" });
    expect((await processesOf(client, id)).processes.map((process) => process.pid)).toContain(pid);

    const asleep = await newSession(client, { container: "on-demand" });
    expect(await change(asleep.id, { internet: false })).toMatchObject({ internet: false, state: "deep-sleep" });
    expect((await infoOf(client, asleep.id)).savedAt).toBeNull();
    expect(await reached(asleep.id)).toMatch(/^no: /);
  });

  test("while a call is waited for ends it with an answer", async () => {
    const { id: sessionId } = await newSession(client);
    const call = client.execute({ sessionId, command: "touch begun; sleep 25" });
    await client.execute({ sessionId, command: "until [ -e begun ]; do sleep 0.02; done" });
    expect((await change(sessionId, { internet: false })).state).toBe("deep-sleep");
    expect(await call).toMatchObject({ timedOut: false, exitCode: null });
  });

  test.each([
    ["POST", "/sessions", { internet: "no" }],
    ["POST", "/execute", { sessionId: "ses_00000000000000000000", code: "1", internet: false }],
  ])("that makes no sense is refused: %s %s %j", async (method, path, json) => {
    expect(await problem(client, method, path, { json })).toMatchObject({ status: 400, code: "invalid_request" });
  });
});
