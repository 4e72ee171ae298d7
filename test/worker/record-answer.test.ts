import { expect, it } from "vitest";
import type { ExecutionRecord } from "../../src/contract/execute.ts";
import { resultFromRecord } from "../../src/session/record-answer.ts";

const RECORD: ExecutionRecord = {
  executionId: "exe_0123456789abcdefghij",
  outcome: "exited",
  reason: null,
  code: null,
  command: "x",
  workingDir: "/workspace",
  background: false,
  pid: 7,
  startedAt: "2026-01-01T00:00:00.000Z",
  endedAt: "2026-01-01T00:00:01.000Z",
  executionTime: 1000,
  exitCode: 3,
  signal: null,
  memoryUsed: 1,
  cpuTime: 2,
  outputBytes: 6,
  truncated: false,
  filesWritten: ["a"],
  context: null,
};

it("an answer that was lost on the way is told again from the record, byte by byte", () => {
  const chunks = [
    { seq: 1, stream: "stdout", data: "a", encoding: "utf-8" },
    { seq: 2, stream: "stderr", data: "!", encoding: "utf-8" },
    { seq: 3, stream: "stdout", data: "//4=", encoding: "base64" },
    { seq: 4, stream: "stdout", data: "é", encoding: "utf-8" },
  ] as const;
  const stdout = new Uint8Array([0x61, 0xff, 0xfe, 0xc3, 0xa9]).toBase64();
  expect(resultFromRecord(RECORD, chunks, "base64")).toMatchObject({
    ok: true,
    value: { stdout, stderr: "IQ==", exitCode: 3, timedOut: false, truncated: false, filesWritten: ["a"] },
  });
  expect(resultFromRecord(RECORD, chunks.slice(0, 2), "utf-8")).toMatchObject({ value: { stdout: "a", stderr: "!" } });
});

it("an execution that a limit has ended is told as that limit, with its output", () => {
  const chunks = [{ seq: 1, stream: "stdout", data: "so far", encoding: "utf-8" }] as const;
  for (const reason of ["memory_limit_exceeded", "disk_full"] as const) {
    const record: ExecutionRecord = { ...RECORD, outcome: "killed", reason, exitCode: null, signal: "SIGKILL" };
    expect(resultFromRecord(record, chunks, "utf-8")).toMatchObject({
      ok: false,
      error: { code: reason, details: { executionId: RECORD.executionId, stdout: "so far" } },
    });
  }
});

it("a run in a context is told again with what it has shown, and with what its record says of it", () => {
  const result = { type: "json", main: true, text: "[1]", json: [1] } as const;
  const chunks = [
    { seq: 1, stream: "stdout", data: "before\n", encoding: "utf-8" },
    { seq: 2, stream: "result", data: JSON.stringify(result), encoding: "utf-8" },
  ] as const;
  const context = {
    contextId: "ctx_0123456789abcdefghij",
    error: null,
    dropped: [{ name: "socket", reason: "it is a connection" }],
    lost: { at: RECORD.startedAt, reason: "it was killed" },
  };
  const answer = resultFromRecord({ ...RECORD, context }, chunks, "utf-8");
  expect(answer).toMatchObject({ ok: true, value: { stdout: "before\n", stderr: "", results: [result], ...context } });
  expect(resultFromRecord(RECORD, chunks.slice(0, 1), "utf-8")).not.toHaveProperty("value.results");
});
