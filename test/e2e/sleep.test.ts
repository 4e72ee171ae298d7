// A session that nobody uses: first its processes stand still, then its container is released; the next call finds it
// as it was left.
import { once } from "node:events";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { previewLabel } from "../../src/contract/ids.ts";
import { Session, SessionList } from "../../src/contract/session.ts";
import { readText } from "../../scripts/client.ts";
import { containerOf } from "../support/container.ts";
import { newSession, platformOfRun, problem, sharedSession } from "../support/e2e.ts";
import { infoOf, processesOf, SOON, untilState } from "../support/life.ts";
import { until } from "../support/until.ts";

const client = platformOfRun();
const shared = sharedSession(client);

describe("an idle session", () => {
  test("has processes that stand still, and go on where they were before the next call is served", async () => {
    const { id } = await newSession(client, { idleAfter: "1s", deepSleepAfter: "1h" });
    const code = `const ticks = [];
setInterval(() => ticks.push(Date.now()), 10);
Bun.serve({ port: 8080, fetch: () => Response.json({ pid: process.pid, ticks }) });`;
    expect((await client.execute({ sessionId: id, code })).background).toBe(true);
    const look = async (): Promise<{ pid: number; ticks: number[] }> =>
      JSON.parse(await readText(await client.preview(id, "/")));
    const before = await look();

    await untilState(client, id, "idle");
    const from = Date.now();
    // Looking at it neither wakes it nor keeps it from sleep.
    for (let looked = 0; looked < 25; looked++) expect((await infoOf(client, id)).state).toBe("idle");
    const to = Date.now();
    const after = await look();
    expect(after.pid).toBe(before.pid);
    expect(after.ticks.slice(0, before.ticks.length)).toEqual(before.ticks);
    expect(after.ticks.filter((tick) => tick > from && tick < to)).toEqual([]);
    expect((await infoOf(client, id)).state).toBe("active");
    await until("it goes on", async () => (await look()).ticks.length > after.ticks.length);
  });

  test("tells when it will be what, and the list of sessions can be asked for those in one state", async () => {
    const { id } = await newSession(client, { ...SOON, metadata: { purpose: "states" } });
    const listed = async (state: string): Promise<string[]> => {
      const { sessions } = await client.ask(SessionList, "GET", `/sessions?state=${state}&metadata.purpose=states`);
      return sessions.filter((session) => session.id === id).map((session) => session.state);
    };
    const awake = await infoOf(client, id);
    expect(awake).toMatchObject({ state: "active", ...SOON, savedAt: null, lastLoss: null, lastRestore: null });
    expect(Date.parse(awake.idleAt ?? "") - Date.parse(awake.lastActive)).toBe(1000);
    expect(Date.parse(awake.deepSleepAt ?? "") - Date.parse(awake.lastActive)).toBe(2000);
    expect(await listed("active")).toEqual(["active"]);
    await client.execute({ sessionId: id, command: "printf 12345 > five; mkdir empty" });

    expect(await untilState(client, id, "idle")).toMatchObject({ idleAt: null, deepSleepAt: expect.any(String) });
    await until("the list shows it", async () => (await listed("active")).length === 0);
    const asleep = await untilState(client, id, "deep-sleep");
    expect(asleep).toMatchObject({ idleAt: null, deepSleepAt: null, activeProcesses: 0 });
    expect(asleep.filesCount).toBeGreaterThanOrEqual(1);
    expect(asleep.diskUsed).toBeGreaterThanOrEqual(5);
    expect(Date.parse(asleep.savedAt ?? "")).toBeGreaterThan(Date.parse(asleep.lastActive));
    await until("the list shows it", async () => (await listed("deep-sleep")).length === 1);
    expect(await listed("deep-sleep")).toEqual(["deep-sleep"]);
    expect(await listed("idle")).toEqual([]);
  });

  test.each(["999ms", "25h", "0s", "-1s", "soon", "", "1 s", "1e3s", "99999999999s", 5, null])(
    "times of %j are refused, on create and later",
    async (time) => {
      for (const name of ["idleAfter", "deepSleepAfter"]) {
        const refused = { status: 400, code: "invalid_request", message: expect.stringContaining(name) };
        expect(await problem(client, "POST", "/sessions", { json: { [name]: time } })).toMatchObject(refused);
        expect(await problem(client, "PATCH", `/sessions/${shared.id}`, { json: { [name]: time } })).toMatchObject(
          refused,
        );
      }
    },
  );

  test("has the times it is given later, at once", async () => {
    const { id } = await newSession(client);
    expect(await infoOf(client, id)).toMatchObject({ idleAfter: "5m", deepSleepAfter: "30m" });
    expect(await client.ask(Session, "PATCH", `/sessions/${id}`, { idleAfter: "1s" })).toMatchObject({
      idleAfter: "1s",
      deepSleepAfter: "30m",
    });
    await untilState(client, id, "idle");
    await client.ask(Session, "PATCH", `/sessions/${id}`, { deepSleepAfter: "1s" });
    await untilState(client, id, "deep-sleep");
  });
});

const SERVER = `Bun.serve({
  port: 8080,
  idleTimeout: 60,
  fetch: (request, server) => server.upgrade(request) ? undefined : new Response((async function* () {
    yield "first"; while (!(await Bun.file("go").exists())) await Bun.sleep(20); yield " last";
  })()),
  websocket: { message: (socket, text) => void socket.send(text) },
});`;

test("a running execution, an open stream, a WebSocket and a slow download keep it awake; then it falls asleep", async () => {
  const wait = "while [ ! -e go ]; do sleep 0.05; done; echo gone";
  const uses: Record<string, (id: string) => Promise<() => Promise<unknown>>> = {
    execution: async (id) => {
      const call = client.execute({ sessionId: id, command: wait });
      return async () => expect((await call).stdout).toBe("gone\n");
    },
    stream: async (id) => {
      const events = client.stream({ sessionId: id, command: `echo begun; ${wait}` });
      await events.next();
      return async () => {
        const rest: string[] = [];
        for await (const { event } of events) rest.push(event);
        expect(rest).toEqual(["stdout", "exit"]);
      };
    },
    WebSocket: async (id) => {
      await client.execute({ sessionId: id, code: SERVER });
      const host = `${previewLabel(id)}.${client.domain}`;
      const socket = new WebSocket(`ws://${client.url.host}/`, { headers: { host } });
      onTestFinished(() => socket.terminate());
      await once(socket, "open");
      return async () => {
        socket.send("still there");
        const [data] = await once(socket, "message");
        expect(String(data)).toBe("still there");
        socket.close();
        await once(socket, "close");
      };
    },
    download: async (id) => {
      await client.execute({ sessionId: id, code: SERVER });
      const response = await client.preview(id, "/");
      return async () => expect(await readText(response)).toBe("first last");
    },
  };
  const sessions = await Promise.all(
    Object.entries(uses).map(async ([use, begin]) => {
      const { id } = await newSession(client, SOON);
      await client.execute({ sessionId: id, command: "true" });
      return { use, id, end: await begin(id) };
    }),
  );
  const began = Date.now();
  // Both of its times and more.
  await until("its times to pass", () => Date.now() > began + 3000);
  for (const { use, id } of sessions) {
    const { state, idleAt } = await infoOf(client, id);
    expect(state, use).toBe("active");
    expect(Date.parse(idleAt ?? ""), use).toBeGreaterThan(began + 3000);
  }
  await Promise.all(
    sessions.map(async ({ id, use, end }) => {
      const path = `/sessions/${id}/files/go`;
      expect((await client.request("PUT", path, { body: "" })).status, use).toBeLessThan(300);
      await end();
      await untilState(client, id, "deep-sleep");
    }),
  );
});

describe("a sleeping session", () => {
  test("has no container; reading starts none, writing does, and what ran is told with when and why", async () => {
    const { id } = await newSession(client);
    const { pid } = await client.execute({
      sessionId: id,
      command: "echo kept > a.txt; echo gone > /tmp/b.txt; exec sleep 1000",
      background: true,
    });
    const container = await containerOf(client, id);
    expect(container.isThere()).toBe(true);
    const beforeSleep = Date.now();
    await client.ask(Session, "PATCH", `/sessions/${id}`, SOON);
    await untilState(client, id, "deep-sleep");
    await until("its container to be gone", () => !container.isThere());

    const told = await processesOf(client, id);
    expect(told.processes).toEqual([]);
    expect(told.ended).toMatchObject({
      reason: "deep-sleep",
      processes: [{ pid, command: expect.stringContaining("sleep 1000"), executionId: expect.stringMatching(/^exe_/) }],
    });
    expect(Date.parse(told.ended?.at ?? "")).toBeGreaterThan(beforeSleep);

    const url = `/sessions/${id}/files/a.txt`;
    expect(await (await client.request("GET", url)).text()).toBe("kept\n");
    await client.ask(Session, "PATCH", `/sessions/${id}`, { idleAfter: "1h" });
    expect((await infoOf(client, id)).state).toBe("deep-sleep");
    expect((await client.request("PUT", url, { body: "changed" })).status).toBe(200);
    expect(await infoOf(client, id)).toMatchObject({ state: "active", lastLoss: null });
    const { stdout } = await client.execute({ sessionId: id, command: "cat a.txt; ls /tmp/b.txt 2>&1 | tail -c 10" });
    expect(stdout).toMatch(/^changed.*directory\s*$/s);
    expect((await processesOf(client, id)).ended).toEqual(told.ended);
  });

  test("is woken once by many calls at the same time: all are served by one container with its files", async () => {
    const { id } = await newSession(client, SOON);
    await client.execute({ sessionId: id, command: "echo kept > kept.txt" });
    await untilState(client, id, "deep-sleep");
    // /tmp is the container's own, so only the first of each container can make the folder there.
    const command = "cat kept.txt; mkdir /tmp/woken 2>/dev/null && echo first; true";
    const answers = await Promise.all(Array.from({ length: 12 }, () => client.execute({ sessionId: id, command })));
    expect(answers.map(({ stdout }) => stdout).toSorted()).toEqual([
      ...Array.from({ length: 11 }, () => "kept\n"),
      "kept\nfirst\n",
    ]);
  });

  test("sleeps again and again, and is found as it was left each time", async () => {
    const { id } = await newSession(client, { idleAfter: "1s", deepSleepAfter: "1s" });
    for (let round = 1; round <= 3; round++) {
      const { stdout } = await client.execute({ sessionId: id, command: "echo x >> rounds; wc -l < rounds" });
      expect(stdout.trim()).toBe(String(round));
      await untilState(client, id, "deep-sleep");
    }
  });

  test("can be deleted, renamed and given more time without being woken", async () => {
    const { id } = await newSession(client, SOON);
    await client.execute({ sessionId: id, command: "true" });
    await untilState(client, id, "deep-sleep");
    const name = `sleeper-${id.slice(4)}`;
    expect(await client.ask(Session, "PATCH", `/sessions/${id}`, { name, ttl: 300 })).toMatchObject({
      name,
      state: "deep-sleep",
    });
    expect((await client.request("DELETE", `/sessions/${name}`)).status).toBe(200);
    expect(await problem(client, "GET", `/sessions/${id}`)).toMatchObject({ status: 404, code: "session_not_found" });
  });
});

const MAKE = `
  mkdir -p deep/er empty 'odd [name]' && cd deep
  printf one > file; printf '#!/bin/sh\\n' > run; chmod 751 run; printf s > sticky; chmod 4644 sticky; chmod 1777 ../empty
  touch -d '2001-02-03T04:05:06.789012345Z' file; touch -d '1969-12-31T23:59:59.5Z' old; touch -d '2100-01-01' future
  ln file hard; ln file ../hard; ln -s file soft; ln -s nowhere dangling; ln -s /etc/passwd out; ln -s . loop
  touch -h -d '2002-02-02T02:02:02.020202020Z' soft
  truncate -s 200M sparse; printf end >> sparse; head -c 3000000 /dev/urandom > random; : > nothing
  printf x > "$(printf 'bad\\377\\n name\\t')"; printf x > "$(head -c 255 /dev/zero | tr '\\0' n)"; printf x > '-rf *'; printf x > 'ü☃𝄞'
  chmod 500 er; touch -d '2003-03-03' .. . er ../empty`;

const LIST = `
  find . -mindepth 1 -path ./.buntime -prune -o -printf '%y %m %T@ %n %P -> %l\\0' | LC_ALL=C sort -z | tr '\\0' '\\n'
  find . -path ./.buntime -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
  stat -c 'sparse: %s' deep/sparse; [ "$(stat -c %b deep/sparse)" -lt 1000 ] && echo holes
  [ deep/hard -ef hard ] && [ deep/file -ef hard ] && echo linked`;

test("names, modes, times to the nanosecond, links, empty folders and holes survive", async () => {
  const { id } = await newSession(client, SOON);
  expect(await client.execute({ sessionId: id, command: MAKE })).toMatchObject({ stderr: "", exitCode: 0 });
  const before = await client.execute({ sessionId: id, command: LIST, encoding: "base64" });
  const text = Buffer.from(before.stdout, "base64").toString("latin1");
  for (const part of ["789012345", "0202020", "holes", "linked", "nothing", "n".repeat(255), "\xff\n name\t"]) {
    expect(text).toContain(part);
  }
  expect(text.split("\n").length).toBeGreaterThan(40);
  await untilState(client, id, "deep-sleep");
  const after = await client.execute({ sessionId: id, command: LIST, encoding: "base64" });
  expect(Buffer.from(after.stdout, "base64").toString("latin1").split("\n")).toEqual(text.split("\n"));
  expect(after.stderr).toBe(before.stderr);
});
