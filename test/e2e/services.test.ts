// Services: what a session wants to have running whenever it is awake.
import { describe, expect, test } from "vitest";
import type * as z from "zod";
import type { ServiceStatus } from "../../src/contract/execute.ts";
import type { CreateSession } from "../../src/contract/session.ts";
import { Session } from "../../src/contract/session.ts";
import { readText } from "../../scripts/client.ts";
import { newSession, platformOfRun, problem, sharedSession } from "../support/e2e.ts";
import { infoOf, processesOf, SOON, untilState } from "../support/life.ts";
import { until } from "../support/until.ts";

const client = platformOfRun();
const shared = sharedSession(client);
type Service = NonNullable<z.input<typeof CreateSession>["services"]>[number];

/** A web server that takes its time, and says how often it was started and what it found at its start. */
const web = (before = ""): Service => ({
  name: "web",
  port: 8080,
  env: { GREETING: "hello" },
  command: `echo x >> starts; ${before} exec bun -e 'await Bun.sleep(300);
const starts = (await Bun.file("starts").text()).length / 2;
Bun.serve({ port: 8080, fetch: () => new Response(process.env.GREETING + " " + starts) }); console.log("up");'`,
});

async function serviceOf(id: string, name: string): Promise<ServiceStatus> {
  const { services } = await processesOf(client, id);
  const service = services.find((each) => each.name === name);
  if (service === undefined) throw new Error(`no service ${name} among ${JSON.stringify(services)}`);
  return service;
}

async function untilRunning(id: string, name: string): Promise<ServiceStatus> {
  return await until(`${name} runs`, async () => {
    const service = await serviceOf(id, name);
    return service.status === "running" && service;
  });
}

const preview = async (id: string): Promise<{ status: number | undefined; text: string }> => {
  const response = await client.preview(id, "/");
  return { status: response.statusCode, text: await readText(response) };
};

describe("services", () => {
  test("start with the session, each once those before it listen, and are listed with what they print", async () => {
    const db = `exec bun -e 'await Bun.sleep(300); Bun.serve({ port: 5432, fetch: () => new Response("db") }); console.log("db up")'`;
    const ask = "curl -s -o db.txt http://localhost:5432 || echo refused;";
    const { id, services } = await newSession(client, {
      services: [{ name: "db", command: db, port: 5432 }, web(ask)],
    });
    expect(services.map(({ name }) => name)).toEqual(["db", "web"]);
    await until("the server is there", async () => (await preview(id)).text === "hello 1");
    expect((await client.execute({ sessionId: id, command: "cat db.txt" })).stdout).toBe("db");
    expect(await untilRunning(id, "web")).toMatchObject({
      port: 8080,
      pid: expect.any(Number),
      startedAt: expect.any(String),
      restarts: 0,
      lastExit: null,
    });
    await until("its output", async () => (await serviceOf(id, "web")).log.includes("up"));
    expect((await serviceOf(id, "db")).log).toEqual(["db up"]);
    expect((await infoOf(client, id)).services).toEqual(services);
  });

  test("start on every wake, and the preview that wakes the session is held until they listen", async () => {
    const { id } = await newSession(client, { ...SOON, services: [web()] });
    await until("the server is there", async () => (await preview(id)).text === "hello 1");
    await untilState(client, id, "deep-sleep");
    expect(await serviceOf(id, "web")).toMatchObject({ status: "stopped", pid: null, port: 8080 });
    // Several at once: the first one wakes it, and none of them is let through too early.
    const answers = await Promise.all(Array.from({ length: 5 }, () => preview(id)));
    expect(answers).toEqual(answers.map(() => ({ status: 200, text: "hello 2" })));
    expect((await infoOf(client, id)).state).toBe("active");
    expect(await untilRunning(id, "web")).toMatchObject({ restarts: 0 });
  });

  test("are frozen with an idle session, and go on as the same process", async () => {
    const { id } = await newSession(client, { idleAfter: "1s", deepSleepAfter: "1h", services: [web()] });
    await until("the server is there", async () => (await preview(id)).text === "hello 1");
    const { pid } = await untilRunning(id, "web");
    await untilState(client, id, "idle");
    expect(await preview(id)).toEqual({ status: 200, text: "hello 1" });
    expect((await serviceOf(id, "web")).pid).toBe(pid);
  });

  test("that crash or are killed are started again, and say how they ended", async () => {
    const command = "echo try; [ -e stay ] && exec sleep 1000; exit 3";
    const { id } = await newSession(client, { services: [{ name: "moody", command }] });
    const crashed = await until("it was started again", async () => {
      const service = await serviceOf(id, "moody");
      return service.restarts >= 2 && service;
    });
    expect(crashed).toMatchObject({ lastExit: "exit code 3", log: expect.arrayContaining(["try"]) });
    await client.execute({ sessionId: id, command: "touch stay" });
    const ofSleep = async (): Promise<number | undefined> =>
      (await processesOf(client, id)).processes.find(({ command: line }) => line === "sleep 1000")?.pid;
    const pid = await until("it stays", ofSleep, { deadlineMs: 20_000 });
    await client.request("POST", "/execution/kill", { json: { sessionId: id, pid, signal: "SIGKILL" } });
    const again = await until("it is there again", async () => {
      const now = await ofSleep();
      return now !== pid && now;
    });
    expect(again).not.toBe(pid);
    expect((await serviceOf(id, "moody")).lastExit).toBe("SIGKILL");
  });

  test("can be changed while they run: those that are the same go on, others are replaced", async () => {
    const keep = { name: "keep", command: "exec sleep 1001" };
    const { id } = await newSession(client, { services: [keep, { name: "old", command: "exec sleep 1002" }] });
    const { pid } = await untilRunning(id, "keep");
    await untilRunning(id, "old");
    const services = [{ name: "new", command: "exec sleep 1003" }, keep];
    expect((await client.ask(Session, "PATCH", `/sessions/${id}`, { services })).services).toMatchObject(services);
    await untilRunning(id, "new");
    expect((await serviceOf(id, "keep")).pid).toBe(pid);
    const { processes } = await processesOf(client, id);
    expect(
      processes
        .map(({ command }) => command)
        .filter((line) => line.startsWith("sleep"))
        .toSorted(),
    ).toEqual(["sleep 1001", "sleep 1003"]);
    await client.ask(Session, "PATCH", `/sessions/${id}`, { services: [] });
    await until("all have ended", async () => {
      const now = await processesOf(client, id);
      return now.services.length === 0 && now.processes.length === 0;
    });
  });

  test("given to a sleeping session do not wake it, and start when it wakes", async () => {
    const { id } = await newSession(client, SOON);
    await client.execute({ sessionId: id, command: "true" });
    await untilState(client, id, "deep-sleep");
    await client.ask(Session, "PATCH", `/sessions/${id}`, { services: [web()] });
    expect((await infoOf(client, id)).state).toBe("deep-sleep");
    expect(await preview(id)).toEqual({ status: 200, text: "hello 1" });
  });

  const service = { name: "a", command: "true" };
  test.each<[string, unknown]>([
    ["no list", "web"],
    ["no name", [{ command: "true" }]],
    ["no command", [{ name: "a" }]],
    ["an empty command", [{ ...service, command: "" }]],
    ["a null byte", [{ ...service, command: "a\0b" }]],
    ["a command of 17 KB", [{ ...service, command: "x".repeat(17_000) }]],
    ["a name with a slash", [{ ...service, name: "../a" }]],
    ["a name twice", [service, service]],
    ["port 0", [{ ...service, port: 0 }]],
    ["port 65536", [{ ...service, port: 65_536 }]],
    ["a field too much", [{ ...service, restart: "never" }]],
    ["a variable that is no name", [{ ...service, env: { "A B": "1" } }]],
    ["seventeen", Array.from({ length: 17 }, (_, index) => ({ ...service, name: `a${index}` }))],
  ])("with %s are refused, on create and later", async (_, services) => {
    const { id } = shared;
    const refused = { status: 400, code: "invalid_request", message: expect.stringContaining("services") };
    expect(await problem(client, "POST", "/sessions", { json: { services } })).toMatchObject(refused);
    expect(await problem(client, "PATCH", `/sessions/${id}`, { json: { services } })).toMatchObject(refused);
    expect((await infoOf(client, id)).services).toEqual([]);
  });
});
