// The container behind a session: started once, found again, lost and replaced.
import { env } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ExecutionList, ExecutionRecord } from "../../src/contract/execute.ts";
import { SessionInfo } from "../../src/contract/session.ts";
import { ask, createSession, engine, execute, expectProblem, loseObject, until } from "./client.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const isStart = (input: unknown): boolean => String(input).endsWith("/start");

/** Counts the starts that the engine is asked for; the first `failures` of them fail. */
function watchStarts({ failures = 0 } = {}): { count: number } {
  const realFetch = globalThis.fetch;
  const starts = { count: 0 };
  vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => {
    if (isStart(input)) {
      starts.count++;
      if (starts.count <= failures) {
        return Promise.resolve(new Response('{"error":"no room"}', { status: 500 }));
      }
    }
    return realFetch(input, init);
  });
  return starts;
}

describe("a start", () => {
  it("happens once, however many calls arrive at the same time", async () => {
    const starts = watchStarts();
    const { id } = await createSession();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => execute({ sessionId: id, command: `echo ${index}` })),
    );
    expect(answers.map((answer) => answer.stdout)).toEqual(Array.from({ length: 20 }, (_, index) => `${index}\n`));
    expect(starts.count).toBe(1);
  });

  it("that fails is container_unavailable with its reason, and the next call tries anew", async () => {
    const starts = watchStarts({ failures: 2 });
    vi.spyOn(console, "error").mockReturnValue();
    const { id } = await createSession();
    await until("the start in the background has failed", async () => {
      const info = await ask("GET", `/sessions/${id}`);
      return info.status === 200 && starts.count > 0;
    });
    const response = await ask("POST", "/execute", { body: { sessionId: id, code: "1" } });
    expect(response.headers.get("retry-after")).toBe("1");
    expect(JSON.stringify(await expectProblem(response, "container_unavailable"))).toContain("no room");
    await until("a later call succeeds", async () => {
      const again = await ask("POST", "/execute", { body: { sessionId: id, code: "console.log(1)" } });
      return again.status === 200;
    });
    expect(starts.count).toBe(3);
  });

  it("is not caused by looking at a session", async () => {
    const { id } = await createSession();
    await execute({ sessionId: id, command: "true" });
    await engine("POST", `/containers/${id}/signal`, { signal: 9 });
    await until("the container has ended", async () => {
      const info = SessionInfo.parse(await (await ask("GET", `/sessions/${id}`)).json());
      return info.state === "deep-sleep" && info.lastLoss !== null;
    });
    expect(await (await ask("GET", `/sessions/${id}/processes`)).json()).toMatchObject({
      processes: [],
      ended: { reason: "lost" },
    });
    expect(await (await ask("POST", "/execution/kill", { body: { sessionId: id } })).json()).toEqual({
      killed: 0,
      pids: [],
    });
    expect(await engine("GET", `/containers/${id}`)).toMatchObject({ running: false });
  });
});

describe("a session's object that was lost", () => {
  it("finds its container with its processes and files again", async () => {
    const { id } = await createSession({ name: "found-again" });
    const starts = watchStarts();
    const server = 'Bun.serve({ port: 8080, fetch: () => new Response("still here") }); await Bun.write("kept", "1")';
    const { background } = await execute({ sessionId: id, code: server });
    expect(background).toBe(true);
    await loseObject(env.SESSION.getByName(id));
    const { stdout } = await execute({
      sessionId: "found-again",
      code: 'console.log(await (await fetch("http://localhost:8080")).text(), await Bun.file("kept").text())',
    });
    expect(stdout).toBe("still here 1\n");
    expect(starts.count).toBeLessThanOrEqual(1);
    const info = SessionInfo.parse(await (await ask("GET", `/sessions/${id}`)).json());
    expect(info.activeProcesses).toBe(1);
  });
});

describe("a container that is lost while an execution runs", () => {
  it("ends the call honestly; the outcome stays unknown, and the next call works", async () => {
    const { id } = await createSession();
    await execute({ sessionId: id, command: "echo x > kept" });
    await ask("POST", `/sessions/${id}/snapshots`, { body: {} });
    const running = ask("POST", "/execute", { body: { sessionId: id, command: "touch begun; sleep 25" } });
    await until("it runs", async () => (await ask("HEAD", `/sessions/${id}/files/begun`)).status === 200);
    await engine("POST", `/containers/${id}/signal`, { signal: 9 });
    const details = await expectProblem(await running, "container_unavailable");
    expect(details).toMatchObject({ outcome: "unknown" });
    const executionId = String(details["executionId"]);

    expect((await execute({ sessionId: id, command: "cat kept" })).stdout).toBe("x\n");
    const record = await (await ask("GET", `/sessions/${id}/executions/${executionId}`)).json();
    expect(ExecutionRecord.parse(record)).toMatchObject({ outcome: "unknown", command: "touch begun; sleep 25" });
    const { executions, total } = ExecutionList.parse(await (await ask("GET", `/sessions/${id}/executions`)).json());
    expect(total).toBe(3);
    expect(executions.map((entry) => entry.outcome)).toEqual(["exited", "unknown", "exited"]);
    const page = ExecutionList.parse(await (await ask("GET", `/sessions/${id}/executions?limit=1&offset=1`)).json());
    expect(page).toMatchObject({ total: 3, executions: [{ executionId }] });
  });

  it("ends a stream with an error event", async () => {
    const { id } = await createSession();
    const response = await ask("POST", "/execute", {
      body: { sessionId: id, command: "touch begun; sleep 25", stream: true },
    });
    await until("it runs", async () => (await ask("HEAD", `/sessions/${id}/files/begun`)).status === 200);
    await engine("POST", `/containers/${id}/signal`, { signal: 9 });
    const events = await response.text();
    expect(events).toMatch(
      /event: error\nid: \d+\ndata: \{"error":\{"code":"container_unavailable".*"outcome":"unknown"/,
    );
  });
});
