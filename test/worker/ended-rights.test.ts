import { env, runInDurableObject } from "cloudflare:test";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { KeyRights } from "../../src/session/key-rights.ts";
import { keyHeader, SESSION_HEADERS, sessionOf } from "../../src/session/rpc.ts";
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

const UPGRADE = { headers: { upgrade: "websocket" } };

/** Resolves with what it is closed with. */
function closing({ status, webSocket }: Response): Promise<{ readonly code: number; readonly reason: string }> {
  expect(status).toBe(101);
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    webSocket?.addEventListener("close", ({ code, reason }) => resolve({ code, reason })),
  );
  webSocket?.accept();
  return closed;
}

/** Resolves when it is open; with what resolves when it is closed. */
async function openSocket(sessionId: string): Promise<{ readonly closed: Promise<unknown> }> {
  return { closed: closing(await visit(previewUrl(sessionId), UPGRADE)) };
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

  it("closes the terminals that it had opened, and the terminal goes on", async () => {
    const { key: owner } = await createAccount();
    const { key, id: keyId } = await createKey({}, owner);
    const sessionId = await createSession(owner);
    const closed = closing(await askAs(key, "GET", `/sessions/${sessionId}/terminal`, UPGRADE));
    const others = await askAs(owner, "GET", `/sessions/${sessionId}/terminal`, UPGRADE);
    others.webSocket?.accept();
    expect((await end(owner, keyId)).status).toBe(200);
    expect(await closed).toEqual({ code: 1008, reason: expect.stringContaining("API key") });
    expect(others.webSocket?.readyState).toBe(WebSocket.OPEN);
    const list = await askAs(owner, "GET", `/sessions/${sessionId}/terminals`);
    expect(await list.json()).toMatchObject({ total: 2 });
    others.webSocket?.close();
  });

  it("is followed no longer by the history of a session that sleeps", async () => {
    const { key: owner } = await createAccount();
    const { key, id: keyId } = await createKey({}, owner);
    const sessionId = await createSession(owner);
    expect((await askAs(owner, "POST", `/sessions/${sessionId}/sleep`)).status).toBe(200);
    const followed = await open(await askAs(key, "GET", `/sessions/${sessionId}/events/stream`));
    expect((await end(owner, keyId)).status).toBe(200);
    expect(await followed.rest).not.toContain("event:");
  });
});

describe("a key that is revoked while its session wakes", () => {
  /** In the object itself: what is sent to it by two ways may come in any order. */
  async function wakeAndRevoke<T>(path: string, init: RequestInit, read: (answer: Response) => Promise<T>): Promise<T> {
    const { id: accountId, key: owner } = await createAccount();
    const { id: keyId } = await createKey({}, owner);
    const sessionId = await createSession(owner);
    expect((await askAs(owner, "POST", `/sessions/${sessionId}/sleep`)).status).toBe(200);
    const headers = new Headers(init.headers);
    headers.set(SESSION_HEADERS.account, accountId);
    headers.set(SESSION_HEADERS.key, keyHeader({ keyId, expiresAt: null }));
    return runInDurableObject(env.SESSION.getByName(sessionId), async (session) => {
      const answer = session.fetch(new Request(`http://supervisor${path}`, { ...init, headers }));
      await session.endStreams(accountId, keyId);
      return read(await answer);
    });
  }

  it("sees nothing of an execution that it has asked for", async () => {
    const command = { command: "echo printed", files: [], env: {}, workingDir: "/workspace", encoding: "utf-8" };
    const body = JSON.stringify({ ...command, stream: true, cancelOnDisconnect: false });
    const seen = await wakeAndRevoke("/execute?stream=true", { method: "POST", body }, async (response) => {
      expect(response.headers.get("content-type")).toContain("text/event-stream");
      return response.text().catch(() => "");
    });
    expect(seen).toBe("");
  });

  it("gets no terminal", async () => {
    const path = "/terminal?id=trm_00000000000000000000&create=true";
    expect(await wakeAndRevoke(path, UPGRADE, closing)).toMatchObject({ code: 1008 });
  });
});

it("a key that is used more often than there may be timers costs one", () => {
  const rights = new KeyRights();
  onTestFinished(() => rights.revoke("key"));
  const expiresAt = Date.now() + 3_600_000;
  const asked = Array.from({ length: 10_050 }, () => rights.of(keyHeader({ keyId: "key", expiresAt })));
  expect(new Set(asked.map(({ revoked }) => revoked)).size).toBe(1);
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
