// The machinery dies in the middle of an execute: the call ends soon and honestly, and the next one works.
// Embedded only: it needs the host's process ids. Docker's own version of it is `docker kill`, in docker.test.ts.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { ExecutionRecord } from "../../src/contract/execute.ts";
import { FileContent } from "../../src/contract/files.ts";
import { newSession, ON_DOCKER, problemOf } from "../support/e2e.ts";
import { startTestPlatform } from "../support/platform.ts";
import type { TestPlatform } from "../support/platform.ts";
import { descendants, isAlive } from "../support/processes.ts";
import type { HostProcess } from "../support/processes.ts";
import { until } from "../support/until.ts";

/** Within this a call has to end once what it depends on is gone. Five seconds are promised; the rest is for a busy machine. */
const SOON_MS = 8000;

describe.skipIf(ON_DOCKER)("in the middle of an execute", () => {
  let platform: TestPlatform;
  beforeAll(async () => {
    platform = await startTestPlatform();
  });
  afterAll(() => platform.stop());

  /** Starts a session with a file, and a call that would take a minute; resolves once that runs. */
  async function begin(): Promise<{ sessionId: string; call: Promise<Response> }> {
    const { client } = platform;
    const { id: sessionId } = await newSession(client);
    await client.execute({ sessionId, command: "echo kept > kept.txt" });
    // What is saved outlives the container, whatever ends it.
    expect((await client.request("POST", `/sessions/${sessionId}/snapshots`, { json: {} })).status).toBe(201);
    const call = client.request("POST", "/execute", {
      json: { sessionId, command: "touch running; sleep 25", timeout: 30 },
      signal: AbortSignal.timeout(25_000),
    });
    // Awaited later; that it may fail before that is no unhandled rejection.
    call.catch(() => undefined);
    await until("the program to run", () => descendants(platform.pid).some(({ command }) => command === "sleep 25"));
    return { sessionId, call };
  }

  async function endsHonestly(call: Promise<Response>): Promise<string> {
    const startedAt = Date.now();
    const answer = await problemOf(await call);
    expect(Date.now() - startedAt).toBeLessThan(SOON_MS);
    expect(answer).toMatchObject({ status: 503, code: "container_unavailable", details: { outcome: "unknown" } });
    return String(answer.details["executionId"]);
  }

  async function nextCallWorks(sessionId: string): Promise<void> {
    const { client } = platform;
    expect(await client.execute({ sessionId, command: "cat kept.txt" })).toMatchObject({
      stdout: "kept\n",
      exitCode: 0,
    });
  }

  const one = (match: (process: HostProcess) => boolean): HostProcess => {
    const found = descendants(platform.pid).find(match);
    if (found === undefined)
      throw new Error(
        `not among ${descendants(platform.pid)
          .map(({ command }) => command)
          .join("\n")}`,
      );
    return found;
  };

  const isSupervisor = ({ command }: HostProcess): boolean =>
    command.endsWith("/buntime/main.js") && command.startsWith("bun");
  const isInit = ({ command }: HostProcess): boolean => /^(\/bin\/)?sh \S*init\.sh/.test(command);

  test("the supervisor is killed: the outcome is unknown, the record says so, files stay", async () => {
    const { sessionId, call } = await begin();
    process.kill(supervisorOf(sessionId).pid, "SIGKILL");
    const executionId = await endsHonestly(call);
    await nextCallWorks(sessionId);
    const record = await platform.client.ask(
      ExecutionRecord,
      "GET",
      `/sessions/${sessionId}/executions/${executionId}`,
    );
    expect(record).toMatchObject({ outcome: "unknown", exitCode: null, signal: null });
    expect(descendants(platform.pid).some(({ command }) => command === "sleep 25")).toBe(false);
  });

  test("the container's first process is killed: the same", async () => {
    const { sessionId, call } = await begin();
    process.kill(one(isInit).pid, "SIGKILL");
    const executionId = await endsHonestly(call);
    await nextCallWorks(sessionId);
    const record = await platform.client.ask(
      ExecutionRecord,
      "GET",
      `/sessions/${sessionId}/executions/${executionId}`,
    );
    expect(record.outcome).toBe("unknown");
  });

  test("the engine is killed: it is started again, and the session with what was saved", async () => {
    const { sessionId, call } = await begin();
    process.kill(one(({ command }) => command.includes("engine/main.ts")).pid, "SIGKILL");
    await endsHonestly(call);
    await until("the next call", async () => {
      const response = await platform.client.request("POST", "/execute", {
        json: { sessionId, command: "cat kept.txt" },
      });
      const text = await response.text();
      if (response.status === 503) return false;
      expect(response.status, text).toBe(200);
      return true;
    });
    await nextCallWorks(sessionId);
  });

  test("a stream that is cut off ends with an error event", async () => {
    const { client } = platform;
    const { id: sessionId } = await newSession(client);
    let last = { event: "", data: "" };
    for await (const event of client.stream({ sessionId, command: "echo begun; sleep 25" })) {
      last = event;
      if (event.event === "stdout") process.kill(supervisorOf(sessionId).pid, "SIGKILL");
    }
    expect(last.event).toBe("error");
    expect(JSON.parse(last.data).error).toMatchObject({
      code: "container_unavailable",
      details: { outcome: "unknown" },
    });
    expect(await client.execute({ sessionId, command: "echo next" })).toMatchObject({ stdout: "next\n" });
  });

  test("the whole platform is killed and started again: the call has ended, the session is there with what was saved", async () => {
    const { sessionId, call } = await begin();
    const port = Number(platform.client.url.port);
    const startedAt = Date.now();
    const below = descendants(platform.pid).map(({ pid }) => pid);
    await platform.end("SIGKILL");
    await expect(call).rejects.toThrow();
    expect(Date.now() - startedAt).toBeLessThan(SOON_MS);
    await until("every process of it to be gone", () => below.every((pid) => !isAlive(pid)));

    platform = await startTestPlatform({ dataDir: platform.dataDir, port });
    await nextCallWorks(sessionId);
    const { client } = platform;
    const list = await client.request("GET", `/sessions/${sessionId}/executions`);
    const { executions } = z
      .object({ executions: z.array(z.object({ command: z.string(), outcome: z.string() })) })
      .parse(JSON.parse(await list.text()));
    const cut = executions.filter(({ command }) => command.includes("sleep 25"));
    // Its record was not saved yet; were it there, it could only say this.
    expect(cut.filter(({ outcome }) => outcome !== "unknown")).toEqual([]);
    const file = await client.ask(FileContent, "GET", `/files/read?sessionId=${sessionId}&path=kept.txt`);
    expect(file.content).toBe("kept\n");
  });

  /** The one above which the session's program runs. */
  function supervisorOf(sessionId: string): HostProcess {
    const all = descendants(platform.pid);
    const program = all.find(({ command }) => command === "sleep 25" || command.endsWith("sleep 25"));
    if (program === undefined) throw new Error(`nothing runs in ${sessionId}`);
    for (let process = program; ;) {
      const parent = all.find(({ pid }) => pid === process.parentPid);
      if (parent === undefined) throw new Error(`no supervisor above ${program.pid}`);
      if (isSupervisor(parent)) return parent;
      process = parent;
    }
  }
});
