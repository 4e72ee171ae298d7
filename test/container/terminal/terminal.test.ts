import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { TERMINALS } from "../../../src/contract/limits.ts";
import { TERMINAL_CLOSE } from "../../../src/contract/terminal-wire.ts";
import { until } from "../../support/until.ts";
import { SLOW_MS, startSupervisor } from "../process/harness.ts";
import type { TestSupervisor } from "../process/harness.ts";
import { placeOf, Screen, settledSequence, terminals } from "./screen.ts";
import type { ScreenOptions } from "./screen.ts";

let supervisor: TestSupervisor;
beforeAll(async () => {
  supervisor = await startSupervisor();
});
afterAll(() => supervisor[Symbol.asyncDispose]());
afterEach(async () => {
  for (const { id } of await terminals(supervisor)) await supervisor.fetch(`/terminals/${id}`, { method: "DELETE" });
});

const open = (options: ScreenOptions = {}): Screen => new Screen(placeOf(supervisor), options);
const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

test("a shell runs at a terminal of its own, in the workspace, and answers what is typed", async () => {
  const screen = open({ cols: 100, rows: 30 });
  const { terminal, created, after, lost } = await screen.ready();
  expect({ created, after, lost, cols: terminal.cols, rows: terminal.rows }).toEqual({
    created: true,
    after: 0,
    lost: 0,
    cols: 100,
    rows: 30,
  });
  screen.type('tty; stty size; echo "$TERM $PWD $((6 * 7))"; test -t 0 && test -t 1 && test -t 2 && echo "all"three\r');
  await screen.shows("allthree");
  expect(screen.text).toContain("/dev/pts/");
  expect(screen.text).toContain("30 100");
  expect(screen.text).toContain(`xterm-256color ${supervisor.workspace} 42`);
  expect(screen.text).not.toContain("no job control");
});

test("its end is told with its exit code after all of its output, and to who comes back later as well", async () => {
  const screen = open({ command: "printf 'last words'; exit 7" });
  const exit = await screen.event("exit");
  expect(exit).toEqual({ type: "exit", exitCode: 7, signal: null, reason: null, sequence: 10 });
  expect(screen.text).toBe("last words");
  expect((await screen.end()).code).toBe(1000);
  const late = open({ id: screen.id, after: 5 });
  expect(await late.event("exit")).toEqual(exit);
  expect(late.text).toBe("words");
  expect((await terminals(supervisor)).find(({ id }) => id === screen.id)?.exit?.exitCode).toBe(7);
});

test("the end of a program that a signal ended names the signal", async () => {
  const screen = open({ command: "kill -KILL $$" });
  expect(await screen.event("exit")).toMatchObject({ exitCode: null, signal: "SIGKILL" });
});

test("a new size reaches the program in front and all viewers", async () => {
  const screen = open({ command: "trap 'stty size' WINCH; echo begun; while :; do sleep 0.05; done" });
  await screen.shows("begun");
  const other = open({ id: screen.id });
  await other.ready();
  screen.say({ type: "resize", cols: 132, rows: 43 });
  await screen.shows("43 132");
  expect(await other.event("resize")).toEqual({ type: "resize", cols: 132, rows: 43 });
  expect((await terminals(supervisor))[0]).toMatchObject({ cols: 132, rows: 43, viewers: 2 });
});

test("Ctrl-C ends the program in front, in the middle of a flood too, and the shell goes on", async () => {
  const screen = open();
  await screen.ready();
  screen.type("yes\r");
  await until("it floods", () => screen.bytes.length > 2_000_000, { deadlineMs: 25_000 });
  screen.type("\x03");
  screen.type("echo still $((40 + 2))\r");
  await screen.shows("still 42");
}, 40_000);

test("bytes come through exactly as they were printed and typed", async () => {
  const screen = open({ command: "stty raw -echo; echo ready; head -c 1000 > typed.bin; cat typed.bin all.bin" });
  const all = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7 + (index >> 8)) % 256));
  await Bun.write(`${supervisor.workspace}/all.bin`, all);
  await screen.shows("ready");
  const typed = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 256));
  screen.type(typed);
  await screen.event("exit");
  const printed = screen.bytes.subarray(screen.bytes.indexOf("ready\n") + "ready\n".length);
  expect(digest(printed)).toBe(digest(Buffer.concat([typed, all])));
  expect(digest(readFileSync(`${supervisor.workspace}/typed.bin`))).toBe(digest(typed));
});

test("a paste that the program reads late arrives whole", async () => {
  const screen = open({ command: "stty raw -echo; echo ready; read -r line < go; head -c 300000 | sha256sum" });
  await supervisor.execute({ command: "mkfifo go" });
  await screen.shows("ready");
  const paste = Buffer.alloc(300_000, "0123456789abcdef");
  screen.type(paste);
  await supervisor.execute({ command: "echo now > go" });
  await screen.shows(digest(paste));
});

test("two viewers see the same, and what either of them types", async () => {
  const one = open();
  await one.ready();
  const second = open({ id: one.id });
  await second.ready();
  one.type("echo from-$((1))-one\r");
  second.type("echo from-$((2))-two\r");
  for (const screen of [one, second]) {
    await screen.shows("from-1-one");
    await screen.shows("from-2-two");
  }
  await until("both have the same", () => one.text === second.text);
});

test("output that was missed is sent to who comes back, exactly that, across drops in the middle of a flood", async () => {
  const bytes = 6_000_000;
  const command = `stty raw -echo; seq 1 1000000 | head -c ${bytes}; printf END`;
  let screen = open({ command });
  const { id } = screen;
  const parts: Buffer[] = [];
  for (let drops = 1; screen.find("exit") === undefined; drops++) {
    await until("some more came", () => screen.sequence > 600_000 * drops || screen.find("exit") !== undefined, {
      deadlineMs: 25_000,
    });
    if (screen.find("exit") !== undefined) break;
    screen.isReading = false;
    parts.push(Buffer.from(screen.bytes));
    const after = screen.sequence;
    screen.drop();
    screen = open({ id, after });
    expect(await screen.ready()).toMatchObject({ after, lost: 0, created: false });
  }
  parts.push(Buffer.from(screen.bytes));
  const whole = Buffer.concat(parts);
  let text = "";
  for (let line = 1; text.length < bytes; line++) text += `${line}\n`;
  expect(parts.length).toBeGreaterThan(1);
  expect(digest(whole)).toBe(digest(Buffer.from(`${text.slice(0, bytes)}END`)));
}, 60_000);

test("who asks for more than is kept is told how much is gone, and gets the rest", async () => {
  const screen = open({ command: "stty raw -echo; seq 1 400000; exec sleep 1000" });
  await screen.shows("\n400000\n");
  const { sequence, oldest } = (await terminals(supervisor))[0] ?? { sequence: 0, oldest: 0 };
  expect(sequence - oldest).toBe(TERMINALS.keptBytes);
  const late = open({ id: screen.id, after: 1000 });
  expect(await late.ready()).toMatchObject({ after: oldest, lost: oldest - 1000 });
  await until("it has the rest", () => late.bytes.length === TERMINALS.keptBytes);
  expect(digest(late.bytes)).toBe(digest(screen.bytes.subarray(oldest)));
  late.say({ type: "replay", after: sequence - 7 });
  expect(await late.event("replay")).toEqual({ type: "replay", after: sequence - 7, lost: 0 });
  await until("the last bytes came again", () => late.bytes.length === TERMINALS.keptBytes + 7);
});

test("a viewer that takes nothing in is cut, and holds up neither the program nor anybody else", async () => {
  const screen = open({ command: "stty raw -echo; read -r go; seq 1 500000; echo over; exec sleep 1000" });
  await screen.ready();
  const stuck = open({ id: screen.id });
  stuck.isReading = false;
  await stuck.ready();
  screen.type("\n");
  await screen.shows("over");
  expect((await stuck.end()).code).toBe(TERMINAL_CLOSE.behind);
  expect(stuck.bytes.length).toBeLessThanOrEqual(TERMINALS.windowBytes);
  expect(screen.closed).toBeNull();
}, 40_000);

test("a program whose only viewer takes nothing in goes on after a while", async () => {
  const screen = open({ command: "stty raw -echo; seq 1 400000; touch done; exec sleep 1000" });
  screen.isReading = false;
  await screen.ready();
  const isDone = async (): Promise<boolean> => await Bun.file(`${supervisor.workspace}/done`).exists();
  await until("it is done", isDone, { deadlineMs: TERMINALS.patienceMs + 20_000 });
  expect((await screen.end()).code).toBe(TERMINAL_CLOSE.behind);
}, 40_000);

test("a viewer that never acknowledges anything is cut after a while, and may come back", async () => {
  const screen = open({ command: "stty raw; exec cat /dev/zero", ack: false });
  screen.isReading = false;
  expect((await screen.end()).code).toBe(TERMINAL_CLOSE.behind);
  expect(screen.bytes.length).toBe(TERMINALS.blindBytes);
  const again = open({ id: screen.id, after: screen.sequence });
  expect(await again.ready()).toMatchObject({ lost: 0, after: screen.sequence });
}, 40_000);

test(
  "closing a terminal ends all that it has started and tells its viewers",
  async () => {
    const screen = open();
    await screen.ready();
    screen.type("sleep 1000 & setsid sleep 1001 & nohup sleep 1002 &\r");
    await until(
      "all run",
      async () => (await supervisor.processes()).filter(({ command }) => command.startsWith("sleep 100")).length === 3,
    );
    const response = await supervisor.fetch(`/terminals/${screen.id}`, { method: "DELETE" });
    expect(await response.json()).toEqual({ closed: true, terminalId: screen.id });
    expect((await screen.end()).code).toBe(TERMINAL_CLOSE.closed);
    expect(await supervisor.processes()).toEqual([]);
    expect((await supervisor.fetch(`/terminals/${screen.id}`, { method: "DELETE" })).status).toBe(404);
    const late = open({ id: screen.id, create: false });
    expect((await late.event("error")).error.code).toBe("terminal_not_found");
    expect((await late.end()).code).toBe(TERMINAL_CLOSE.gone);
  },
  SLOW_MS,
);

test("its processes are listed, without an execution, and can be killed", async () => {
  const screen = open({ command: "echo up; exec sleep 1000" });
  await screen.shows("up");
  const { pid } = (await terminals(supervisor))[0] ?? { pid: null };
  expect(await supervisor.processes()).toMatchObject([{ pid, command: "sleep 1000", executionId: null }]);
  await supervisor.kill({ pid: pid ?? 0 });
  expect(await screen.event("exit")).toMatchObject({ signal: expect.stringMatching(/^SIG(TERM|HUP)$/) });
});

test("a session that is frozen has its terminals frozen, and whoever opens one wakes it", async () => {
  const screen = open({ command: "while :; do echo tick; sleep 0.02; done" });
  await screen.shows("tick");
  expect(await supervisor.json("/freeze", { method: "POST" })).toMatchObject({ frozen: true });
  const sequence = await settledSequence(async () => (await terminals(supervisor))[0]?.sequence ?? -1);
  const other = open({ command: "echo awake" });
  await other.shows("awake");
  await until("it ticks on", async () => ((await terminals(supervisor))[0]?.sequence ?? 0) > sequence);
});

test("what makes no sense is answered, and harms neither the terminal nor the connection", async () => {
  const screen = open();
  await screen.ready();
  const nonsense = [
    "",
    "nothing",
    "[]",
    "null",
    "{}",
    '{"type":"__proto__"}',
    '{"type":"resize","cols":-1,"rows":24}',
    '{"type":"resize","cols":1e9,"rows":24}',
    '{"type":"resize","cols":80.5,"rows":24}',
    '{"type":"resize","cols":"80","rows":24}',
    '{"type":"replay","after":-1}',
    '{"type":"replay","after":9007199254740991}',
    '{"type":"ack","sequence":9007199254740991}',
    '{"type":"ping","id":7}',
    `{"type":"ping","id":"${"x".repeat(100_000)}"}`,
    "[".repeat(100_000),
  ];
  for (const text of nonsense) screen.say(text);
  await until(
    "each was answered",
    () => screen.events.filter(({ type }) => type === "error").length === nonsense.length,
  );
  screen.say({ type: "ping", id: "here" });
  expect(await screen.event("pong")).toEqual({ type: "pong", id: "here" });
  screen.type("stty size\r");
  await screen.shows("24 80");
});

test("a message that is too large costs its sender the connection, and nobody the terminal", async () => {
  const screen = open();
  await screen.ready();
  screen.socket.send("x".repeat(TERMINALS.messageBytes + 1));
  await screen.end();
  const again = open({ id: screen.id, create: false });
  await again.ready();
  again.type("echo fine-$((1))\r");
  await again.shows("fine-1");
});

test(
  "more terminals than there may be are refused, one that is over makes room",
  async () => {
    const screens = Array.from({ length: TERMINALS.most }, () => open({ command: "exec cat" }));
    await Promise.all(screens.map((screen) => screen.ready()));
    const refused = open();
    expect((await refused.event("error")).error).toMatchObject({ code: "conflict" });
    expect((await refused.end()).code).toBe(TERMINAL_CLOSE.refused);
    screens[3]?.type("\x04");
    await screens[3]?.event("exit");
    await screens[3]?.end();
    await until("nobody looks at it", async () =>
      (await terminals(supervisor)).some(({ exit, viewers }) => exit !== null && viewers === 0),
    );
    await open().ready();
  },
  SLOW_MS,
);

test("more viewers than there may be are refused", async () => {
  const first = open({ command: "exec cat" });
  await first.ready();
  const others = Array.from({ length: TERMINALS.viewers - 1 }, () => open({ id: first.id }));
  await Promise.all(others.map((screen) => screen.ready()));
  const refused = open({ id: first.id });
  expect((await refused.end()).code).toBe(TERMINAL_CLOSE.refused);
  others[0]?.drop();
  await until("one has left", async () => (await terminals(supervisor))[0]?.viewers === TERMINALS.viewers - 1);
  await open({ id: first.id }).ready();
});

test("opened twice under one id it is one terminal", async () => {
  const one = open({ command: "exec cat" });
  const other = open({ id: one.id, create: true, command: "exec cat" });
  const readies = await Promise.all([one.ready(), other.ready()]);
  expect(readies.filter(({ created }) => created)).toHaveLength(1);
  expect(await terminals(supervisor)).toHaveLength(1);
});

test("without the upgrade, and without the token, there is no terminal", async () => {
  expect((await supervisor.fetch("/terminal?id=trm_00000000000000000000&create=true")).status).toBe(400);
  const headers = { authorization: "Bearer wrong", upgrade: "websocket", connection: "upgrade" };
  expect((await supervisor.fetch("/terminal?id=trm_00000000000000000000&create=true", { headers })).status).toBe(401);
  expect(await terminals(supervisor)).toEqual([]);
});

test(
  "a viewer that is silent for too long is cut; one that answers stays",
  async () => {
    await using own = await startSupervisor({ env: { BUNTIME_TERMINAL_SILENCE_MS: "3000" } });
    const silent = new Screen(placeOf(own), { command: "exec cat" });
    await silent.ready();
    const awake = new Screen(placeOf(own), { id: silent.id });
    let answered = 0;
    awake.socket.addEventListener("message", ({ data }) => {
      if (data !== '{"type":"ping"}') return;
      answered += 1;
      awake.say({ type: "pong" });
    });
    expect((await silent.end()).code).toBe(TERMINAL_CLOSE.silent);
    await until("some pings more", () => answered >= 6);
    expect(awake.closed).toBeNull();
  },
  SLOW_MS,
);

test("what is over the memory limit is ended, and its terminal says why", async () => {
  await using own = await startSupervisor({ memoryMb: 128 });
  const screen = new Screen(placeOf(own), { command: "exec tail /dev/zero" });
  const exit = await screen.event("exit");
  expect(exit.signal).toMatch(/^SIG/);
  expect(exit.reason).toContain("128 MiB of memory");
}, 40_000);

test("a container that is told to end tells so to all viewers, at once", async () => {
  await using own = await startSupervisor();
  const screen = new Screen(placeOf(own));
  await screen.ready();
  screen.type("echo here-$((1)); sleep 1000\r");
  await screen.shows("here-1");
  const stopped = own.stop();
  expect((await screen.event("exit")).reason).toContain("told to end");
  expect((await screen.end()).code).toBe(1000);
  expect(await stopped).toBe(0);
});
