import { env } from "cloudflare:test";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { sessionOf } from "../../src/session/rpc.ts";
import { SessionInfo } from "../../src/contract/session.ts";
import { askAs, createAccount, createKey, operate } from "./accounts.ts";
import { expectProblem, loseObject, previewUrl, until, visit } from "./client.ts";

interface Open {
  /** All that it said after its beginning, once it has ended, whether in order or not. */
  readonly rest: Promise<string>;
}

async function open(response: Response): Promise<Open> {
  if (response.status !== 200 || response.body === null) {
    throw new Error(`it answered ${response.status}: ${await response.text()}`);
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  await reader.read();
  const drain = async (): Promise<string> => {
    let text = "";
    try {
      for (let step = await reader.read(); !step.done; step = await reader.read()) {
        text += step.value;
      }
    } catch {
      // Cut off.
    }
    return text;
  };
  return { rest: drain() };
}

/** An execution that prints and goes on, as a stream. */
async function openExecution(key: string, sessionId: string): Promise<Open> {
  const body = { sessionId, command: "echo on; sleep 60", stream: true };
  return open(await askAs(key, "POST", "/execute", { body }));
}

/** Resolves when it is open; with what resolves when it is closed. */
async function openSocket(sessionId: string): Promise<{ readonly closed: Promise<number> }> {
  const response = await visit(previewUrl(sessionId), { headers: { upgrade: "websocket" } });
  expect(response.status).toBe(101);
  const socket = response.webSocket;
  const closed = new Promise<number>((resolve) => socket?.addEventListener("close", ({ code }) => resolve(code)));
  socket?.accept();
  return { closed };
}

const SERVER = `Bun.serve({ port: 8080, websocket: { message() {} }, fetch(request, server) { server.upgrade(request); } });`;

async function createSession(key: string): Promise<string> {
  const response = await askAs(key, "POST", "/sessions", { body: {} });
  expect(response.status).toBe(201);
  return (await response.json<{ id: string }>()).id;
}

const ENDINGS = {
  "is revoked": (owner: string, keyId: string) => askAs(owner, "DELETE", `/keys/${keyId}`),
  "is rotated": (owner: string, keyId: string) => askAs(owner, "POST", `/keys/${keyId}/rotate`),
};

describe.each(Object.entries(ENDINGS))("a key that %s", (_name, end) => {
  it("ends every stream that it had opened, and none of another key", async () => {
    const { key: owner } = await createAccount();
    const { key, id: keyId } = await createKey({}, owner);
    const sessionId = await createSession(owner);
    const execution = await openExecution(key, sessionId);
    const [executionId] = /exe_[0-9a-z]{20}/.exec(await lastExecution(owner, sessionId)) ?? [];
    const path = `/sessions/${sessionId}/executions/${executionId}/output`;
    const output = await open(await askAs(key, "GET", path, { headers: { accept: "text/event-stream" } }));
    const events = await open(await askAs(key, "GET", "/events"));
    const others = await openExecution(owner, sessionId);
    expect((await end(owner, keyId)).status).toBe(200);
    for (const { rest } of [execution, output, events]) {
      expect(await rest).not.toContain("event: exit");
    }
    // What they had started goes on, and so does what others look at.
    expect(await lastExecution(owner, sessionId)).toContain('"outcome":"running"');
    await askAs(owner, "POST", "/execution/kill", { body: { sessionId } });
    expect(await others.rest).toContain("event: exit");
  });
});

async function lastExecution(key: string, sessionId: string): Promise<string> {
  return (await askAs(key, "GET", `/sessions/${sessionId}/executions?limit=1`)).text();
}

it("a key that expires ends the streams that it had opened", async () => {
  const { key: owner } = await createAccount();
  const sessionId = await createSession(owner);
  const { key, expiresAt } = await createKey({ expiresIn: "1h" }, owner);
  const end = Date.parse(expiresAt ?? "");
  onTestFinished(() => void vi.useRealTimers());
  // However long it takes to open them, it is this much before the end.
  vi.useFakeTimers({ toFake: ["Date"], now: end - 300 });
  const execution = await openExecution(key, sessionId);
  const events = await open(await askAs(key, "GET", "/events"));
  vi.setSystemTime(end);
  for (const { rest } of [execution, events]) {
    expect(await rest).not.toContain("event: exit");
  }
  await expectProblem(await askAs(key, "GET", "/sessions"), "unauthorized");
});

describe("an account that is suspended", () => {
  it("has its executions ended, its sockets closed, its sessions asleep with their files saved", async () => {
    const { id, key } = await createAccount();
    const sessionId = await createSession(key);
    await askAs(key, "POST", "/files/write", { body: { sessionId, path: "kept.txt", content: "kept" } });
    await (await askAs(key, "POST", "/execute", { body: { sessionId, code: SERVER } })).text();
    const { closed } = await openSocket(sessionId);
    const execution = await openExecution(key, sessionId);
    const events = await open(await askAs(key, "GET", "/events"));
    expect((await operate("PATCH", `/accounts/${id}`, { status: "suspended" })).status).toBe(200);
    expect(await execution.rest).toContain("event: exit");
    await Promise.all([events.rest, closed]);
    const visited = await visit(previewUrl(sessionId), { headers: { accept: "application/json" } });
    expect(visited.status).toBe(403);
    await visited.text();
    await until("it sleeps", async () => {
      const info = await sessionOf(env, sessionId).info(id);
      return info.ok && info.value.state === "deep-sleep";
    });

    await operate("PATCH", `/accounts/${id}`, { status: "active" });
    const info = SessionInfo.parse(await (await askAs(key, "GET", `/sessions/${sessionId}`)).json());
    expect(info.state).toBe("deep-sleep");
    const read = await askAs(key, "POST", "/execute", { body: { sessionId, command: "cat kept.txt" } });
    expect(await read.json()).toMatchObject({ stdout: "kept", exitCode: 0 });
  });

  it("stays so for a session that could not be told", async () => {
    const { id, key } = await createAccount();
    const sessionId = await createSession(key);
    await (await askAs(key, "POST", "/execute", { body: { sessionId, code: SERVER } })).text();
    await operate("PATCH", `/accounts/${id}`, { status: "suspended" });
    await loseObject(env.SESSION.getByName(sessionId));
    const visited = await visit(previewUrl(sessionId));
    expect(visited.status).toBe(403);
    await visited.text();
  });
});

it("an account that is deleted has its executions ended and its sockets closed", async () => {
  const { id, key } = await createAccount();
  const sessionId = await createSession(key);
  await (await askAs(key, "POST", "/execute", { body: { sessionId, code: SERVER } })).text();
  const { closed } = await openSocket(sessionId);
  const execution = await openExecution(key, sessionId);
  const events = await open(await askAs(key, "GET", "/events"));
  expect((await operate("DELETE", `/accounts/${id}`)).status).toBe(200);
  await Promise.all([execution.rest, events.rest, closed]);
  await until("it is gone", async () => (await operate("GET", `/accounts/${id}`)).status === 404);
});
