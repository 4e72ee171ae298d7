// When a call of execute returns: at the end, when it listens, at once when asked to, or at the time-out.
import { describe, expect, test } from "vitest";
import { ExecutionRecord, OutputPage, ProcessList } from "../../src/contract/execute.ts";
import { readText } from "../../scripts/client.ts";
import { newSession, platformOfRun } from "../support/e2e.ts";
import { until } from "../support/until.ts";

const client = platformOfRun();

const record = (sessionId: string, executionId: string): Promise<ExecutionRecord> =>
  client.ask(ExecutionRecord, "GET", `/sessions/${sessionId}/executions/${executionId}`);

const SERVER = "Bun.serve({ port: 8080, fetch: () => new Response('served') }); console.log('up');";

describe("code", () => {
  test("returns once its top level is done and it listens, and lives on", async () => {
    const { id: sessionId } = await newSession(client);
    const answer = await client.execute({ sessionId, code: SERVER });
    expect(answer).toMatchObject({ background: true, exitCode: null, signal: null, stdout: "up\n", timedOut: false });
    expect(answer.pid).toBeGreaterThan(0);
    expect(await readText(await client.preview(sessionId, "/"))).toBe("served");
    expect(await record(sessionId, answer.executionId)).toMatchObject({ outcome: "running", background: true });
  });

  test("a node:http server counts as well", async () => {
    const { id: sessionId } = await newSession(client);
    const code = `import { createServer } from "node:http"; createServer((_, r) => r.end("node")).listen(8080);`;
    expect(await client.execute({ sessionId, code })).toMatchObject({ background: true });
    expect(await readText(await client.preview(sessionId, "/"))).toBe("node");
  });

  test("what comes after a top-level await is waited for, although it listens already", async () => {
    const { id: sessionId } = await newSession(client);
    const code = `${SERVER} await Bun.sleep(700); console.log('after');`;
    expect(await client.execute({ sessionId, code })).toMatchObject({ background: true, stdout: "up\nafter\n" });
  });

  test("a program that listens for a moment and ends is an ordinary end", async () => {
    const { id: sessionId } = await newSession(client);
    const code = `const s = Bun.serve({ port: 8080, fetch: () => new Response() }); await s.stop(true); console.log('end');`;
    expect(await client.execute({ sessionId, code })).toMatchObject({
      background: false,
      exitCode: 0,
      stdout: "end\n",
    });
  });

  test("a timer without a listener is waited for until it is done", async () => {
    const { id: sessionId } = await newSession(client);
    const code = "setTimeout(() => console.log('late'), 600)";
    expect(await client.execute({ sessionId, code })).toMatchObject({
      background: false,
      stdout: "late\n",
      exitCode: 0,
    });
  });

  test("a server is not ended by the time-out once it is in the background", async () => {
    const { id: sessionId } = await newSession(client);
    const { executionId } = await client.execute({ sessionId, code: SERVER, timeout: 1 });
    await client.execute({ sessionId, command: "sleep 1.5" });
    expect(await record(sessionId, executionId)).toMatchObject({ outcome: "running" });
    expect(await readText(await client.preview(sessionId, "/"))).toBe("served");
  });
});

describe("a command", () => {
  test("returns once it listens and has been quiet", async () => {
    const { id: sessionId } = await newSession(client);
    const answer = await client.execute({
      sessionId,
      files: [{ path: "server.ts", content: SERVER }],
      command: "echo starting; bun server.ts",
    });
    expect(answer).toMatchObject({ background: true, stdout: "starting\nup\n" });
    expect(await readText(await client.preview(sessionId, "/"))).toBe("served");
  });

  test("output that goes on is waited for, as long as it goes on", async () => {
    const { id: sessionId } = await newSession(client);
    const server = `${SERVER} for (let i = 0; i < 6; i++) { await Bun.sleep(150); console.log(i); }`;
    const answer = await client.execute({
      sessionId,
      files: [{ path: "server.ts", content: server }],
      command: "bun server.ts",
    });
    expect(answer).toMatchObject({ background: true, stdout: "up\n0\n1\n2\n3\n4\n5\n" });
  });

  test("a server left behind by `&` lives on", async () => {
    const { id: sessionId } = await newSession(client);
    await client.execute({
      sessionId,
      files: [{ path: "server.ts", content: SERVER }],
      command: "bun server.ts > log.txt 2>&1 & until grep -q up log.txt; do sleep 0.02; done",
    });
    expect(await readText(await client.preview(sessionId, "/"))).toBe("served");
  });
});

describe("asked for", () => {
  test("`background: true` returns as soon as it has started, and its output is kept", async () => {
    const { id: sessionId } = await newSession(client);
    const answer = await client.execute({
      sessionId,
      command: "until test -e go; do sleep 0.02; done; echo went; exit 4",
      background: true,
    });
    expect(answer).toMatchObject({ background: true, exitCode: null });
    expect(await record(sessionId, answer.executionId)).toMatchObject({ outcome: "running" });

    await client.execute({ sessionId, command: "touch go" });
    const ended = await until("the end of the background process", async () => {
      const now = await record(sessionId, answer.executionId);
      return now.outcome !== "running" && now;
    });
    expect(ended).toMatchObject({ outcome: "exited", exitCode: 4 });
    const output = await client.ask(
      OutputPage,
      "GET",
      `/sessions/${sessionId}/executions/${answer.executionId}/output`,
    );
    expect(output).toMatchObject({ done: true, outcome: "exited", chunks: [{ stream: "stdout", data: "went\n" }] });
  });

  test("`background: false` waits for the end of a server, until the time-out", async () => {
    const { id: sessionId } = await newSession(client);
    const answer = await client.execute({ sessionId, code: SERVER, background: false, timeout: 1.5 });
    expect(answer).toMatchObject({ background: false, timedOut: true, stdout: "up\n" });
    const { processes } = await client.ask(ProcessList, "GET", `/sessions/${sessionId}/processes`);
    expect(processes).toEqual([]);
  });
});

test("a process that neither ends nor listens is ended at the time-out", async () => {
  const { id: sessionId } = await newSession(client);
  const answer = await client.execute({ sessionId, code: "setInterval(() => {}, 1000)", timeout: 1 });
  expect(answer).toMatchObject({ background: false, timedOut: true, signal: "SIGTERM" });
});
