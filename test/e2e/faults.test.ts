// Programs that misbehave. None may hang its call, nor harm its session's next call or another session.
import { expect, test } from "vitest";
import * as z from "zod";
import { ExecutionRecord, KillAnswer } from "../../src/contract/execute.ts";
import type { ExecuteRequest } from "../../src/contract/execute.ts";
import { newSession, ON_DOCKER, platformOfRun } from "../support/e2e.ts";

const client = platformOfRun();

/** Runs the program beside a neighbour, and afterwards both sessions have to work as if nothing had been. */
async function misbehave(program: Omit<z.input<typeof ExecuteRequest>, "sessionId">): Promise<Response> {
  const [{ id: sessionId }, { id: other }] = await Promise.all([newSession(client), newSession(client)]);
  const neighbour = client.execute({ sessionId: other, command: "sleep 0.5; echo unharmed" });
  const response = await client.request("POST", "/execute", { json: { ...program, sessionId } });
  const text = await response.text();
  expect(await neighbour).toMatchObject({ stdout: "unharmed\n", exitCode: 0 });
  for (const id of [sessionId, other]) {
    expect(await client.execute({ sessionId: id, code: "console.log(1 + 1)" })).toMatchObject({
      stdout: "2\n",
      exitCode: 0,
    });
  }
  return new Response(text, { status: response.status });
}

const answer = async (response: Response): Promise<Record<string, unknown>> => {
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
};

test("a flood of 1 GB of output is cut, and the program ends as it would", async () => {
  const seen = await answer(await misbehave({ command: "head -c 1000000000 /dev/zero; echo end >&2" }));
  expect(seen).toMatchObject({ exitCode: 0, truncated: true, stderr: "end\n" });
});

test("a flood that never ends is ended by the time-out", async () => {
  expect(await answer(await misbehave({ command: "yes", timeout: 1 }))).toMatchObject({
    timedOut: true,
    truncated: true,
  });
});

test("a streamed flood whose client does not read does not pile up, and goes on when it reads", async () => {
  const { id: sessionId } = await newSession(client);
  const response = await client.request("POST", "/execute", {
    json: { sessionId, command: "head -c 50000000 /dev/zero | tr '\\0' x", stream: true },
  });
  expect(await client.execute({ sessionId, code: "console.log(1 + 1)" })).toMatchObject({ stdout: "2\n" });
  let bytes = 0;
  for await (const chunk of response.body ?? []) bytes += chunk.length;
  expect(bytes).toBeGreaterThan(1024 * 1024);
});

test("500 children at once end with their parent", async () => {
  const seen = await answer(
    await misbehave({
      command: "i=0; while test $i -lt 500; do sleep 100 & i=$((i+1)); done; echo started; wait",
      timeout: 2,
    }),
  );
  expect(seen).toMatchObject({ timedOut: true });
});

// Embedded only: the containers of local Docker share one limit, that of uid 1000. It holds the bomb, but meanwhile the
// programs of other sessions, those of the tests beside this one too, may find that they cannot fork.
test.skipIf(ON_DOCKER)("a fork bomb is held in its session", async () => {
  const response = await misbehave({ command: "bomb() { bomb | bomb & }; bomb; sleep 20", timeout: 2 });
  expect(response.status).toBeLessThanOrEqual(507);
  expect(response.status).not.toBe(500);
});

test("a program that ignores TERM, and so do its children, is gone after the time-out", async () => {
  const command = "trap '' TERM; (trap '' TERM; while :; do sleep 0.1; done) & while :; do sleep 0.1; done";
  expect(await answer(await misbehave({ command, timeout: 0.5 }))).toMatchObject({ timedOut: true, signal: "SIGKILL" });
});

test("a program that closes its stdout and stderr is waited for all the same", async () => {
  const command = "echo before; exec >&- 2>&-; sleep 0.3; exit 7";
  expect(await answer(await misbehave({ command }))).toMatchObject({ stdout: "before\n", exitCode: 7 });
});

test("a child that keeps stdout open after its parent has ended does not hold the call", async () => {
  const seen = await answer(await misbehave({ command: "sleep 25 & echo done", timeout: 20 }));
  expect(seen).toMatchObject({ stdout: "done\n", exitCode: 0, timedOut: false });
});

test("a program that makes itself a daemon does not hold the call, and kill finds it", async () => {
  const { id: sessionId } = await newSession(client);
  const command =
    "setsid sh -c 'sleep 9876 & exec sleep 9877' </dev/null >/dev/null 2>&1 & sleep 0.2; echo parent done";
  expect(await client.execute({ sessionId, command })).toMatchObject({ stdout: "parent done\n", exitCode: 0 });
  await client.ask(KillAnswer, "POST", "/execution/kill", { sessionId });
  const left = await client.execute({ sessionId, command: "grep -l 'sleep.987[67]' /proc/[0-9]*/cmdline" });
  expect(left.stdout).toBe("");
});

test("orphans that end are taken away, and do not fill the process table", async () => {
  const { id: sessionId } = await newSession(client);
  const command = "i=0; while test $i -lt 50; do sh -c 'sleep 0.05 & exit' & i=$((i+1)); done; wait; sleep 0.5";
  await client.execute({ sessionId, command });
  const zombies = await client.execute({ sessionId, command: "grep -l '^State:.Z' /proc/[0-9]*/status | wc -l" });
  expect(zombies.stdout.trim()).toBe("0");
});

test("a program that stops itself is ended by the time-out", async () => {
  expect(await answer(await misbehave({ command: "kill -STOP $$", timeout: 1 }))).toMatchObject({ timedOut: true });
});

test("a busy loop on every core leaves room for others", async () => {
  const command = "for i in 1 2 3 4 5 6 7 8; do while :; do :; done & done; wait";
  expect(await answer(await misbehave({ command, timeout: 2 }))).toMatchObject({ timedOut: true });
});

test("a program that opens every descriptor it may is alone with it", async () => {
  const code = `import { openSync } from "node:fs"; try { for (;;) openSync("/dev/null"); } catch (e) { console.log(e.code); }`;
  expect(await answer(await misbehave({ code }))).toMatchObject({ stdout: "EMFILE\n" });
});

test("ten thousand small files, and a folder 200 deep, do not slow the next call to a halt", async () => {
  const code = `import { mkdirSync, writeFileSync } from "node:fs";
mkdirSync("many"); for (let i = 0; i < 10_000; i++) writeFileSync("many/" + i, "x");
mkdirSync("d/".repeat(200), { recursive: true });`;
  expect(await answer(await misbehave({ code }))).toMatchObject({ exitCode: 0 });
});

test("an execution that removes the whole workspace, records included, leaves a session that works", async () => {
  const command = "rm -rf /workspace/* /workspace/.[!.]* 2>/dev/null; echo removed";
  expect(await answer(await misbehave({ command }))).toMatchObject({ stdout: "removed\n" });
});

test("files named like options, with line breaks, or with bytes that are no UTF-8 do not break the answer", async () => {
  const command = "touch -- '-rf' \"$(printf 'a\\nb')\" \"$(printf 'c\\377d')\"; ls | wc -l";
  const seen = await answer(await misbehave({ command }));
  expect(seen["stdout"]).toMatch(/^\s*4\n$/);
  expect(seen["filesWritten"]).toEqual(expect.arrayContaining(["-rf", "a\nb"]));
});

test("records are the platform's: a program that writes its own into their folder is not believed", async () => {
  const { id: sessionId } = await newSession(client);
  const { executionId } = await client.execute({ sessionId, command: "exit 5" });
  await client.execute({ sessionId, command: "chmod -R 777 .buntime/executions; rm -rf .buntime/executions; exit 0" });
  const response = await client.request("GET", `/sessions/${sessionId}/executions/${executionId}`);
  if (response.status === 200) expect(ExecutionRecord.parse(await response.json())).toMatchObject({ exitCode: 5 });
  else expect(response.status).toBe(404);
});
