import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { until } from "../../support/until.ts";
import { SLOW_MS, startSupervisor } from "./harness.ts";
import type { TestSupervisor } from "./harness.ts";

let supervisor: TestSupervisor;
beforeAll(async () => {
  supervisor = await startSupervisor();
});
afterEach(() => supervisor.kill());
afterAll(() => supervisor[Symbol.asyncDispose]());

const SERVER = `const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("hello") });
  console.log(server.port);`;

test("code that leaves a server running answers in the background, and the server lives on", async () => {
  const answer = await supervisor.execute({ code: SERVER });
  expect(answer).toMatchObject({ background: true, exitCode: null, signal: null, memoryUsed: null, timedOut: false });
  const port = Number(answer.stdout);
  expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe("hello");
  const [process] = await supervisor.processes();
  expect(process).toMatchObject({ pid: answer.pid ?? 0, executionId: answer.executionId, ports: [port] });
  expect(await supervisor.record(answer.executionId)).toMatchObject({ outcome: "running", background: true });
});

test.each([
  [
    "code that returns early, as CommonJS may",
    `const fs = require("fs"); ${SERVER} if (fs) return; console.log("never");`,
  ],
  [
    "code with names of its own for what is global",
    `import { setTimeout } from "node:timers/promises";
    const process = null; ${SERVER} await setTimeout(1);`,
  ],
  ["code that ends in a comment", `${SERVER} // the end`],
  [
    "code that exports what Bun serves",
    `export default { port: 0, hostname: "127.0.0.1", fetch: () => new Response("hello") }`,
  ],
])("a server of %s goes to the background", async (_, code) => {
  const { background, stderr } = await supervisor.execute({ code });
  expect({ background, stderr }).toEqual({ background: true, stderr: "" });
});

test("what is printed right at the end of the top level is in the answer of a server", async () => {
  const code = `await Bun.sleep(30); ${SERVER} await Bun.sleep(1); console.log("x".repeat(60_000)); console.error("last");`;
  const answers = await Promise.all(Array.from({ length: 12 }, () => supervisor.execute({ code })));
  for (const { background, stdout, stderr } of answers) {
    expect([background, stdout.length > 60_000, stdout.at(-1), stderr]).toEqual([true, true, "\n", "last\n"]);
  }
});

test("code that listens but has not finished its top level is waited for", async () => {
  const code = `${SERVER} await Bun.sleep(700); console.log("late"); process.exit(4);`;
  const answer = await supervisor.execute({ code });
  expect(answer).toMatchObject({ background: false, exitCode: 4 });
  expect(answer.stdout).toEndWith("late\n");
});

test("code may take its environment and descriptors away and still goes to the background", async () => {
  const code = `for (const name of Object.keys(process.env)) delete process.env[name];
    require("fs").closeSync(0); ${SERVER}`;
  expect((await supervisor.execute({ code })).background).toBe(true);
});

test("code whose child process listens goes to the background", async () => {
  await supervisor.execute({ code: `await Bun.write("child.ts", ${JSON.stringify(SERVER)})` });
  const answer = await supervisor.execute({ code: `Bun.spawn([process.execPath, "child.ts"], { stdout: "inherit" })` });
  expect(answer.background).toBe(true);
});

test("a command that listens and is quiet answers in the background", async () => {
  await supervisor.execute({ code: `await Bun.write("serve.ts", ${JSON.stringify(SERVER)})` });
  const answer = await supervisor.execute({ command: "bun serve.ts" });
  expect(answer.background).toBe(true);
  expect(Number(answer.stdout)).toBeGreaterThan(0);
});

test("a program that only runs on is no server: it is waited for", async () => {
  const answer = await supervisor.execute({ code: "setTimeout(() => console.log('done'), 600)" });
  expect(answer).toMatchObject({ background: false, stdout: "done\n", exitCode: 0 });
});

test("background: true answers at once, has no time-out, and keeps its output", async () => {
  const answer = await supervisor.execute({ command: "sleep 0.5; echo later", background: true, timeoutMs: 100 });
  expect(answer).toMatchObject({ background: true, stdout: "", exitCode: null });
  await until("it has exited", async () => (await supervisor.record(answer.executionId)).outcome === "exited");
  const { chunks } = await supervisor.output(answer.executionId);
  expect(chunks.map(({ data }) => data).join("")).toBe("later\n");
});

test("background: false waits for a server until the time-out", async () => {
  const answer = await supervisor.execute({ code: SERVER, background: false, timeoutMs: 800 });
  expect(answer).toMatchObject({ background: false, timedOut: true, signal: "SIGTERM" });
});

test("children that outlive the first process do not hold up the answer, and stay in the process table", async () => {
  const { executionId, exitCode, background } = await supervisor.execute({
    command: "sleep 60 & echo started; exit 5",
  });
  expect({ exitCode, background }).toEqual({ exitCode: 5, background: false });
  const processes = await supervisor.processes();
  expect(processes.map((process) => [process.command, process.executionId])).toEqual([["sleep 60", executionId]]);
});

test(
  "a daemon that has left its session and its environment is still known, and ended by kill",
  async () => {
    const daemon = "setsid env -i /bin/sleep 70 >/dev/null 2>&1 </dev/null &";
    const command = `${daemon} until [ -e seen ]; do sleep 0.02; done; echo done`;
    const running = supervisor.execute({ command });
    await until("it is known", async () =>
      (await supervisor.processes()).some((each) => each.command === "/bin/sleep 70" && each.executionId !== null),
    );
    await supervisor.execute({ command: "touch seen" });
    const { executionId } = await running;
    const [process] = await supervisor.processes();
    expect(process).toMatchObject({ command: "/bin/sleep 70", executionId });
    expect((await supervisor.kill()).pids).toEqual([process?.pid ?? 0]);
    expect(await supervisor.processes()).toEqual([]);
  },
  SLOW_MS,
);
