// Memory and disk have ends; reaching one is said, and harms neither the next call nor another session.
import { describe, expect, test } from "vitest";
import { ExecutionRecord } from "../../src/contract/execute.ts";
import { newSession, platformOfRun, problem, refusal } from "../support/e2e.ts";

const client = platformOfRun();

const EAT = "const all = []; for (;;) { all.push(new Uint8Array(16 << 20).fill(1)); await Bun.sleep(5); }";
const MIB = 1024 * 1024;

async function works(sessionId: string): Promise<void> {
  expect(await client.execute({ sessionId, code: "console.log(1 + 1)" })).toMatchObject({ stdout: "2\n", exitCode: 0 });
}

describe("memory", () => {
  test("a program that fills it is ended with memory_limit_exceeded, and its session goes on", async () => {
    const [{ id: sessionId }, { id: other }] = await Promise.all([
      newSession(client, { resourceLimits: { memory: 256 } }),
      newSession(client),
    ]);
    const neighbour = client.execute({ sessionId: other, command: "sleep 1; echo unharmed" });
    const answer = await problem(client, "POST", "/execute", { json: { sessionId, code: EAT } });
    expect(answer).toMatchObject({ status: 507, code: "memory_limit_exceeded" });
    await works(sessionId);
    expect(await neighbour).toMatchObject({ stdout: "unharmed\n" });

    const executionId = String(answer.details["executionId"]);
    const record = await client.ask(ExecutionRecord, "GET", `/sessions/${sessionId}/executions/${executionId}`);
    expect(record).toMatchObject({ outcome: "killed", reason: "memory_limit_exceeded" });
  });

  test("a stream that hits it ends with an error event", async () => {
    const { id: sessionId } = await newSession(client, { resourceLimits: { memory: 256 } });
    const seen: { event: string; data: string }[] = [];
    for await (const event of client.stream({ sessionId, code: `console.log("begun"); ${EAT}` })) seen.push(event);
    expect(seen[0]?.event).toBe("stdout");
    expect(seen.at(-1)?.event).toBe("error");
    expect(JSON.parse(seen.at(-1)?.data ?? "{}").error.code).toBe("memory_limit_exceeded");
    await works(sessionId);
  });

  test("many programs count together", async () => {
    const { id: sessionId } = await newSession(client, { resourceLimits: { memory: 256 } });
    const code = "const all = new Uint8Array(90 << 20).fill(1); await Bun.sleep(1500); console.log(all.length)";
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => client.request("POST", "/execute", { json: { sessionId, code } })),
    );
    expect(answers.map(({ status }) => status)).toContain(507);
    await works(sessionId);
  });

  test("what stays below it runs", async () => {
    const { id: sessionId } = await newSession(client, { resourceLimits: { memory: 256 } });
    const code = "const all = new Uint8Array(100 << 20).fill(1); await Bun.sleep(300); console.log(all.length)";
    expect(await client.execute({ sessionId, code })).toMatchObject({ stdout: `${100 * MIB}\n`, exitCode: 0 });
  });
});

describe("disk", () => {
  const diskFull = { status: 507, code: "disk_full" };

  test("a program that fills it is ended or told with disk_full, and files can be deleted and written again", async () => {
    const [{ id: sessionId }, { id: other }] = await Promise.all([newSession(client), newSession(client)]);
    const json = { sessionId, command: "while :; do head -c 64M /dev/zero >> fill.bin || exit 1; done" };
    const answer = await problem(client, "POST", "/execute", { json });
    expect(answer).toMatchObject(diskFull);
    const upload = client.request("PUT", `/sessions/${sessionId}/files/more.bin`, { body: new Uint8Array(96 * MIB) });
    expect((await refusal(upload)) ?? diskFull).toMatchObject(diskFull);
    await client.execute({ sessionId: other, command: "echo unharmed > a.txt" });

    expect((await client.request("DELETE", `/sessions/${sessionId}/files/fill.bin`)).status).toBe(200);
    await works(sessionId);
    expect((await client.request("PUT", `/sessions/${sessionId}/files/more.bin`, { body: "fits" })).status).toBe(201);
  });

  test("an upload beyond it is disk_full, and leaves nothing behind", async () => {
    const { id: sessionId } = await newSession(client);
    const megabyte = new Uint8Array(MIB);
    let answered = false;
    const body = new ReadableStream<Uint8Array>({
      // Left to itself, fetch would go on pulling after the connection has ended.
      pull: (controller) => (answered ? controller.close() : controller.enqueue(megabyte)),
    });
    const upload = client.request("PUT", `/sessions/${sessionId}/files/endless.bin`, { body });
    const refused = await refusal(upload).finally(() => (answered = true));
    expect(refused ?? diskFull).toMatchObject(diskFull);
    expect(await client.execute({ sessionId, command: "ls" })).toMatchObject({ stdout: "" });
    await works(sessionId);
  });
});

describe("what may be asked for", () => {
  test("limits beyond the plan, or below what runs, are refused", async () => {
    const bad = [
      { memory: 64 },
      { memory: 1_000_000 },
      { timeout: 0 },
      { timeout: 301 },
      { cpu: 0 },
      { memory: "1024" },
      { disk: 5121 },
    ];
    for (const resourceLimits of bad) {
      const answer = await problem(client, "POST", "/sessions", { json: { resourceLimits } });
      expect([400, 403], JSON.stringify(resourceLimits)).toContain(answer.status);
    }
  });
});
