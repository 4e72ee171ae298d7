import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { newId } from "../../../src/contract/ids.ts";
import { until } from "../../support/until.ts";
import { command, events, SLOW_MS, startSupervisor } from "./harness.ts";
import type { StreamEvent, TestSupervisor } from "./harness.ts";

let supervisor: TestSupervisor;
beforeAll(async () => {
  supervisor = await startSupervisor();
});
afterAll(() => supervisor[Symbol.asyncDispose]());

async function collect(stream: AsyncGenerator<StreamEvent>): Promise<StreamEvent[]> {
  const all: StreamEvent[] = [];
  for await (const event of stream) if (event.event !== "comment") all.push(event);
  return all;
}

const followOutput = (id: string, after = 0): Promise<Response> =>
  supervisor.fetch(`/executions/${id}/output?after=${after}`, { headers: { accept: "text/event-stream" } });

test("a stream has numbered output and one last exit with the whole answer", async () => {
  const all = await collect(supervisor.stream({ command: "echo a; sleep 0.1; echo b >&2; exit 3" }));
  expect(all.map(({ event, id }) => [event, id])).toEqual([
    ["stdout", "1"],
    ["stderr", "2"],
    ["exit", "2"],
  ]);
  expect(all.slice(0, 2).map(({ data }) => data)).toEqual([
    { seq: 1, data: "a\n" },
    { seq: 2, data: "b\n" },
  ]);
  expect(all[2]?.data).toMatchObject({ stdout: "a\n", stderr: "b\n", exitCode: 3 });
});

test("a stream that ends in an error says where its output ended", async () => {
  await using small = await startSupervisor({ memoryMb: 200 });
  const code = `console.log("filling"); const kept = [];
    setInterval(() => kept.push(Buffer.alloc(8 * 1024 * 1024, 1)), 5);`;
  const all = await collect(small.stream({ code, background: false }));
  expect(all.map(({ event, id }) => [event, id])).toEqual([
    ["stdout", "1"],
    ["error", "1"],
  ]);
});

test("output comes while the program runs", async () => {
  const stream = supervisor.stream({ command: "echo first; until [ -e go-on ]; do sleep 0.02; done; echo second" });
  const seen: string[] = [];
  for await (const { event, data } of stream) {
    if (event === "stdout") seen.push(data.data);
    // The program waits for this, so the event can only have come before its end.
    if (seen.length === 1) writeFileSync(`${supervisor.workspace}/go-on`, "");
  }
  expect(seen).toEqual(["first\n", "second\n"]);
});

test("the head of the answer comes before any output", async () => {
  const response = await supervisor.post(
    "/execute",
    command({ command: "until [ -e head-came ]; do sleep 0.02; done", stream: true }),
  );
  expect(response.headers.get("content-type")).toStartWith("text/event-stream");
  writeFileSync(`${supervisor.workspace}/head-came`, "");
  expect((await collect(events(response))).at(-1)?.data.exitCode).toBe(0);
});

test("characters are never cut between two events", async () => {
  const code = `for (const byte of Buffer.from("€ä𝄞".repeat(20))) { require("fs").writeSync(1, Buffer.of(byte)); await Bun.sleep(0); }`;
  const all = await collect(supervisor.stream({ code }));
  const text = all
    .filter(({ event }) => event === "stdout")
    .map(({ data }) => data.data)
    .join("");
  expect(text).toBe("€ä𝄞".repeat(20));
});

test("with base64 every event is marked and byte-exact", async () => {
  const all = await collect(supervisor.stream({ command: String.raw`printf '\377\000'`, encoding: "base64" }));
  expect(all[0]?.data).toEqual({ seq: 1, data: "/wA=", encoding: "base64" });
});

test("a server's stream ends with its answer while it lives on", async () => {
  const code = "console.log('up'); Bun.serve({ port: 0, fetch: () => new Response() })";
  const all = await collect(supervisor.stream({ code }));
  expect(all.at(-1)).toMatchObject({ event: "exit", data: { background: true } });
  await supervisor.kill();
});

test("what cannot start is an error with its status, not a stream", async () => {
  const response = await supervisor.post("/execute", command({ command: "true", stream: true, workingDir: "nowhere" }));
  expect(response.status).toBe(404);
});

test("a client that goes away does not stop the execution", async () => {
  const leave = new AbortController();
  const stream = supervisor.stream({ command: "echo a; sleep 0.5; touch went-on" }, leave.signal);
  for await (const { event } of stream) if (event === "stdout") break;
  leave.abort();
  await until("it went on", () => existsSync(`${supervisor.workspace}/went-on`));
});

test("a client that goes away with cancelOnDisconnect ends it", async () => {
  const leave = new AbortController();
  const executionId = "exe_gone0000000000000000";
  const stream = supervisor.stream(
    { executionId, command: "echo a; sleep 60", cancelOnDisconnect: true },
    leave.signal,
  );
  for await (const { event } of stream) if (event === "stdout") break;
  leave.abort();
  await until("it has ended", async () => (await supervisor.record(executionId)).outcome !== "running");
  expect(await supervisor.record(executionId)).toMatchObject({ outcome: "killed", reason: "disconnected" });
});

test(
  "a client that reads slowly stalls nothing, and the supervisor's memory stays flat",
  async () => {
    const memory = (): number =>
      Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${supervisor.pid}/status`, "utf8"))?.[1]);
    /** When so much was printed and little of it was read. */
    const memoryAfter = async (bytes: number): Promise<number> => {
      const executionId = newId("exe");
      const printing = command({ executionId, command: `head -c ${bytes} /dev/zero`, stream: true });
      const response = await supervisor.post("/execute", printing);
      const reader = response.body?.getReader();
      await reader?.read();
      await until("it has exited", async () => (await supervisor.record(executionId)).outcome === "exited");
      const used = memory();
      await reader?.cancel();
      return used;
    };
    const before = await memoryAfter(100_000_000);
    expect((await memoryAfter(400_000_000)) - before).toBeLessThan(80 * 1024);
  },
  SLOW_MS,
);

test("output can be picked up after any seq, live and later, as events and as pages", async () => {
  const executionId = "exe_pick0000000000000000";
  const running = supervisor.execute({ executionId, command: "echo a; sleep 0.2; echo b; sleep 0.2; echo c" });
  await until("it has printed", async () => (await supervisor.output(executionId).catch(() => null))?.lastSeq === 1);
  const live = await collect(events(await followOutput(executionId, 1)));
  await running;
  const later = await collect(events(await followOutput(executionId, 1)));
  for (const all of [live, later]) {
    expect(all.map(({ event, id }) => [event, id])).toEqual([
      ["stdout", "2"],
      ["stdout", "3"],
      ["exit", "3"],
    ]);
    expect(all.at(-1)?.data).toMatchObject({ executionId, outcome: "exited", exitCode: 0, outputBytes: 6 });
  }
  const page = await supervisor.output(executionId, 1);
  expect(page).toMatchObject({ lastSeq: 3, done: true, outcome: "exited" });
  expect(page.chunks.map(({ seq, data, encoding }) => [seq, data, encoding])).toEqual([
    [2, "b\n", "utf-8"],
    [3, "c\n", "utf-8"],
  ]);
});

test("a page of output that is not UTF-8 has base64, and pages lead to the end", async () => {
  const { executionId } = await supervisor.execute({ command: "head -c 5000000 /dev/urandom; printf ok >&2" });
  const pieces: Buffer[] = [];
  for (let after = 0, done = false; !done;) {
    const page = await supervisor.output(executionId, after);
    for (const { data, encoding, stream } of page.chunks) {
      if (stream === "stdout") pieces.push(Buffer.from(data, encoding === "base64" ? "base64" : "utf8"));
    }
    ({ lastSeq: after, done } = page);
  }
  expect(Buffer.concat(pieces).length).toBe(5_000_000);
});
