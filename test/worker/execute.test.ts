import { describe, expect, it } from "vitest";
import { ExecuteAnswer, ExecutionRecord, KillAnswer, OutputPage, ProcessList } from "../../src/contract/execute.ts";
import { ask, createSession, execute, expectProblem, until } from "./client.ts";

describe("execute", () => {
  it("answers with everything that the contract promises", async () => {
    const { id } = await createSession();
    const answer = await ask("POST", "/execute", {
      body: {
        sessionId: id,
        code: "console.log(process.env.A, await Bun.stdin.text()); process.exit(3)",
        env: { A: "é" },
        stdin: "in",
      },
    });
    expect(ExecuteAnswer.parse(await answer.json())).toMatchObject({
      stdout: "é in\n",
      exitCode: 3,
      timedOut: false,
      background: false,
    });
  });

  it("takes a body that is larger than what RPC can carry", async () => {
    const { id } = await createSession();
    const content = "x".repeat(40 * 1024 * 1024);
    const answer = await execute({ sessionId: id, command: "wc -c < big", files: [{ path: "big", content }] });
    expect(answer.stdout.trim()).toBe(String(content.length));
  });

  it("uses the session's time-out unless the call has one", async () => {
    const { id } = await createSession({ resourceLimits: { timeout: 1 } });
    const answer = await ask("POST", "/execute", { body: { sessionId: id, command: "echo begun; sleep 20" } });
    expect(await answer.json()).toMatchObject({ timedOut: true, stdout: "begun\n" });
    const other = await ask("POST", "/execute", {
      body: { sessionId: id, command: "sleep 1.5; echo done", timeout: 10 },
    });
    expect(await other.json()).toMatchObject({ timedOut: false, stdout: "done\n" });
  });

  it("streams events, the last one being the whole answer", async () => {
    const { id } = await createSession();
    const response = await ask("POST", "/execute", {
      body: { sessionId: id, command: "echo a; echo b >&2", stream: true },
    });
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const events = await response.text();
    expect(events).toContain("event: stdout");
    expect(events).toContain("event: stderr");
    const exit = /event: exit\n(?:id: \d+\n)?data: (.*)\n/.exec(events)?.[1] ?? "{}";
    expect(ExecuteAnswer.parse(JSON.parse(exit))).toMatchObject({ stdout: "a\n", stderr: "b\n", exitCode: 0 });
  });

  it("streams a session of its own as well", async () => {
    const response = await ask("POST", "/execute", { body: { command: "echo only", stream: true } });
    expect(await response.text()).toMatch(/event: exit\n(?:id: \d+\n)?data: .*"stdout":"only\\n"/);
  });

  it("keeps a record whose output can be read again", async () => {
    const { id } = await createSession();
    const { executionId } = await execute({ sessionId: id, command: "echo one; echo two" });
    const record = await ask("GET", `/sessions/${id}/executions/${executionId}`);
    expect(ExecutionRecord.parse(await record.json())).toMatchObject({
      outcome: "exited",
      exitCode: 0,
      command: "echo one; echo two",
    });
    const page = OutputPage.parse(await (await ask("GET", `/sessions/${id}/executions/${executionId}/output`)).json());
    expect(page.chunks.map((chunk) => chunk.data).join("")).toBe("one\ntwo\n");
    const followed = await ask("GET", `/sessions/${id}/executions/${executionId}/output?after=0`, {
      headers: { accept: "text/event-stream" },
    });
    expect(await followed.text()).toContain("event: stdout");
    await expectProblem(await ask("GET", `/sessions/${id}/executions/exe_00000000000000000000`), "execution_not_found");
  });

  it("lists what runs, and kills it", async () => {
    const { id } = await createSession();
    const answer = await ask("POST", "/execute", { body: { sessionId: id, command: "sleep 300", background: true } });
    const { pid, executionId } = ExecuteAnswer.parse(await answer.json());
    const { processes } = ProcessList.parse(await (await ask("GET", `/sessions/${id}/processes`)).json());
    expect(processes).toContainEqual(expect.objectContaining({ pid, executionId }));
    const killed = await ask("POST", "/execution/kill", { body: { sessionId: id, pid, signal: "SIGKILL" } });
    expect(KillAnswer.parse(await killed.json()).pids).toContain(pid);
    await until("its record tells", async () => {
      const record = await ask("GET", `/sessions/${id}/executions/${executionId}`);
      return ExecutionRecord.parse(await record.json()).outcome === "killed";
    });
    await expectProblem(
      await ask("POST", "/execution/kill", { body: { sessionId: id, pid: 99_999 } }),
      "process_not_found",
    );
  });
});
