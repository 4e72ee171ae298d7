// A session's terminals, with a real WebSocket client.
import { createHash } from "node:crypto";
import { describe, expect, onTestFinished, test } from "vitest";
import { NewKey } from "../../src/contract/account.ts";
import { TERMINALS } from "../../src/contract/limits.ts";
import { TerminalClosed, TerminalList } from "../../src/contract/terminal.ts";
import type { Terminal } from "../../src/contract/terminal.ts";
import { KEY_PROTOCOL, TERMINAL_CLOSE, TERMINAL_PROTOCOL } from "../../src/contract/terminal-wire.ts";
import { newId } from "../../src/contract/ids.ts";
import { Client, newSession, platformOfRun, problem, sharedSession } from "../support/e2e.ts";
import { TerminalViewer } from "../support/terminal.ts";
import type { ConnectOptions, ViewerOptions } from "../support/terminal.ts";
import { until } from "../support/until.ts";

const client = platformOfRun();
const session = sharedSession(client);

function open(options: ViewerOptions = {}, ref = session.id, connect: ConnectOptions = {}): TerminalViewer {
  const viewer = new TerminalViewer(client, ref, options, connect);
  onTestFinished(async () => {
    const id = viewer.find("ready")?.terminal.id;
    viewer.drop();
    if (id !== undefined) await client.request("DELETE", `/sessions/${ref}/terminals/${id}`);
  });
  return viewer;
}

async function list(ref = session.id): Promise<readonly Terminal[]> {
  return (await client.ask(TerminalList, "GET", `/sessions/${ref}/terminals`)).terminals;
}

const digest = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

describe("a shell", () => {
  test("shows what a typed command prints, in the workspace, with a prompt and job control", async () => {
    const viewer = open({ cols: 90, rows: 20 });
    expect(await viewer.ready()).toMatchObject({ created: true, after: 0, lost: 0 });
    await viewer.shows("/workspace");
    viewer.type('echo "$TERM in $PWD: $((6 * 7))"; stty size; bun --version > v.txt && echo bun-$((1))-there\r');
    await viewer.shows("xterm-256color in /workspace: 42");
    await viewer.shows("20 90");
    await viewer.shows("bun-1-there");
    expect(viewer.text).not.toContain("job control");
    expect(viewer.text).not.toContain("I have no name");
  });

  test("is told of a new size, which its programs see", async () => {
    const viewer = open();
    await viewer.ready();
    viewer.say({ type: "resize", cols: 123, rows: 45 });
    expect(await viewer.event("resize")).toEqual({ type: "resize", cols: 123, rows: 45 });
    viewer.type("stty size\r");
    await viewer.shows("45 123");
  });

  test("ends with its exit code", async () => {
    const viewer = open();
    await viewer.ready();
    viewer.type("exit 9\r");
    const { sequence, ...exit } = await viewer.event("exit");
    expect(exit).toEqual({ type: "exit", exitCode: 9, signal: null, reason: null });
    expect(sequence).toBe(viewer.bytes.length);
    expect((await viewer.end()).code).toBe(1000);
  });

  test("takes Ctrl-C in the middle of a flood", async () => {
    const viewer = open();
    await viewer.ready();
    viewer.type("yes\r");
    await until("it floods", () => viewer.bytes.length > 1_000_000, { deadlineMs: 40_000 });
    viewer.type("\u0003");
    viewer.type("echo back-$((1))\r");
    await viewer.shows("back-1");
  });

  test("tells its jobs when it is closed, and all of them end", async () => {
    const viewer = open();
    const { terminal } = await viewer.ready();
    viewer.type("sleep 4321 & setsid sleep 4322 &\r");
    const sleeping = async (): Promise<number> => {
      const answer = await client.request("GET", `/sessions/${session.id}/processes`);
      return (await answer.text()).match(/"sleep 432\d"/g)?.length ?? 0;
    };
    await until("both run", async () => (await sleeping()) === 2);
    const path = `/sessions/${session.id}/terminals/${terminal.id}`;
    expect(await client.ask(TerminalClosed, "DELETE", path)).toEqual({ closed: true, terminalId: terminal.id });
    expect((await viewer.end()).code).toBe(TERMINAL_CLOSE.closed);
    expect(await sleeping()).toBe(0);
    expect(await problem(client, "DELETE", path)).toMatchObject({ status: 404, code: "terminal_not_found" });
  });
});

describe("a full-screen program", () => {
  test("has every byte of its screen shown, and every byte that is typed", async () => {
    const bytes = Buffer.from(Array.from({ length: 60_000 }, (_, index) => (index * 7 + (index >> 8)) % 256));
    await client.request("PUT", `/sessions/${session.id}/files/screen.bin`, { body: bytes });
    const viewer = open({
      command: "stty raw -echo; printf '\\033[?1049hA'; head -c 256 | tee typed.bin; cat screen.bin",
    });
    await viewer.shows("A");
    const keys = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    viewer.type(keys);
    await viewer.event("exit");
    expect(digest(viewer.bytes)).toBe(digest(Buffer.concat([Buffer.from("\u001b[?1049hA"), keys, bytes])));
  });
});

describe("viewers", () => {
  test("two of them see the same and both may type", async () => {
    const one = open({ command: "stty -echo; exec cat" });
    const { terminal } = await one.ready();
    const other = open({ id: terminal.id });
    expect(await other.ready()).toMatchObject({ created: false });
    one.type("of one\r");
    other.type("of the other\r");
    for (const viewer of [one, other]) {
      await viewer.shows("of one");
      await viewer.shows("of the other");
    }
    expect((await list()).find(({ id }) => id === terminal.id)).toMatchObject({ viewers: 2, exit: null });
  });

  test("one that is cut off in the middle of a flood comes back without a byte lost or doubled", async () => {
    const bytes = 3_000_000;
    const id = newId("trm");
    const command = `stty raw -echo; seq 1 1000000 | head -c ${bytes}; printf END`;
    let viewer = open({ id, create: true, command });
    const parts: Buffer[] = [];
    for (let drops = 1; viewer.find("exit") === undefined; drops++) {
      const isEnough = (): boolean => viewer.sequence > 600_000 * drops || viewer.find("exit") !== undefined;
      await until("some more came", isEnough, { deadlineMs: 40_000 });
      if (viewer.find("exit") !== undefined) break;
      const after = viewer.sequence;
      viewer.drop();
      parts.push(Buffer.from(viewer.bytes));
      viewer = open({ id, after });
      expect(await viewer.ready()).toMatchObject({ after, lost: 0, created: false });
    }
    parts.push(viewer.bytes);
    let text = "";
    for (let line = 1; text.length < bytes; line++) text += `${line}\n`;
    expect(parts.length).toBeGreaterThan(2);
    expect(digest(Buffer.concat(parts))).toBe(digest(`${text.slice(0, bytes)}END`));
  });

  test("one that comes back late is told how much is gone", async () => {
    const viewer = open({ command: "stty raw -echo; seq 1 300000; exec sleep 1000" });
    const { terminal } = await viewer.ready();
    await viewer.shows("\n300000\n");
    viewer.drop();
    const late = open({ id: terminal.id, after: 100 });
    const { after, lost } = await late.ready();
    expect([after - 100, viewer.bytes.length - after]).toEqual([lost, TERMINALS.keptBytes]);
    await until("it has the rest", () => late.bytes.length === TERMINALS.keptBytes);
    expect(digest(late.bytes)).toBe(digest(viewer.bytes.subarray(after)));
  });

  test("a ping is answered, and nonsense is answered without harm", async () => {
    const viewer = open();
    await viewer.ready();
    for (const text of ["", "{", '{"type":"resize","cols":-5,"rows":0}', '{"type":"grow"}', "[".repeat(50_000)])
      viewer.say(text);
    await until("each was answered", () => viewer.events.filter(({ type }) => type === "error").length === 5);
    viewer.say({ type: "ping", id: "7" });
    expect(await viewer.event("pong")).toEqual({ type: "pong", id: "7" });
    viewer.type("stty size\r");
    await viewer.shows("24 80");
  });

  test("a terminal that is not there is told of, and begun anew only when asked for", async () => {
    const id = newId("trm");
    const viewer = open({ id, after: 77 });
    expect((await viewer.event("error")).error.code).toBe("terminal_not_found");
    expect((await viewer.end()).code).toBe(TERMINAL_CLOSE.gone);
    const begun = open({ id, after: 77, create: true });
    expect(await begun.ready()).toMatchObject({ created: true, after: 0, lost: 0, terminal: { id } });
  });

  test("more terminals than a session may have are refused in words", async () => {
    const { id } = await newSession(client);
    const viewers = Array.from({ length: TERMINALS.most }, () => open({ command: "exec cat" }, id));
    await Promise.all(viewers.map((viewer) => viewer.ready()));
    const refused = open({}, id);
    expect((await refused.event("error")).error).toMatchObject({ code: "conflict" });
    expect((await refused.end()).code).toBe(TERMINAL_CLOSE.refused);
    expect(await list(id)).toHaveLength(TERMINALS.most);
  });
});

describe("who may", () => {
  test("a key is taken as a protocol, as browsers have to send it, and never shown again", async () => {
    const protocols = [TERMINAL_PROTOCOL, `${KEY_PROTOCOL}${client.apiKey}`];
    const viewer = open({ command: "env; exec cat" }, session.id, { protocols, headers: {} });
    await viewer.ready();
    expect(viewer.socket.protocol).toBe(TERMINAL_PROTOCOL);
    await viewer.shows("TERM=xterm-256color");
    expect(viewer.text).not.toContain(client.apiKey);
  });

  test("a wrong key, no key, a key without the scope and one of another session are refused", async () => {
    const other = await newSession(client);
    const narrow = await client.ask(NewKey, "POST", "/keys", { scopes: ["sessions:read"] });
    const bound = await client.ask(NewKey, "POST", "/keys", { sessionId: other.id });
    onTestFinished(async () => {
      for (const { id } of [narrow, bound]) await client.request("DELETE", `/keys/${id}`);
    });
    const attempt = async (key: string | null, ref = session.id): Promise<[number, string]> => {
      const protocols = [TERMINAL_PROTOCOL, ...(key === null ? [] : [`${KEY_PROTOCOL}${key}`])];
      const { status, text } = await open({}, ref, { protocols, headers: {} }).refused();
      return [status, /"code":"(\w+)"/.exec(text)?.[1] ?? text];
    };
    expect(await attempt(`${client.apiKey}x`)).toEqual([401, "unauthorized"]);
    expect(await attempt(null)).toEqual([401, "unauthorized"]);
    expect(await attempt(narrow.key)).toEqual([403, "forbidden"]);
    expect(await attempt(bound.key)).toEqual([404, "session_not_found"]);
    expect(await attempt(client.apiKey, "ses_00000000000000000000")).toEqual([404, "session_not_found"]);
    const own = open({ command: "exec cat" }, other.id, {
      protocols: [TERMINAL_PROTOCOL, `${KEY_PROTOCOL}${bound.key}`],
      headers: {},
    });
    await own.ready();
  });

  test("a key as a protocol opens nothing that is no WebSocket", async () => {
    const bare = new Client({ url: client.url.origin, apiKey: "x", domain: client.domain });
    const headers = { "sec-websocket-protocol": `${KEY_PROTOCOL}${client.apiKey}` };
    expect(await problem(bare, "GET", "/sessions", { headers })).toMatchObject({ status: 401 });
  });

  test("odd sizes and ids are refused before anything is opened", async () => {
    for (const query of ["cols=0", "cols=1001", "rows=-1", "rows=x", "id=trm_x", "after=-1", "command=", "create=1"]) {
      const path = `/sessions/${session.id}/terminal?${query}`;
      expect(await problem(client, "GET", path), query).toMatchObject({ status: 400, code: "invalid_request" });
    }
    const plain = await problem(client, "GET", `/sessions/${session.id}/terminal`);
    expect(plain).toMatchObject({ status: 400, code: "invalid_request" });
    expect(plain.message).toContain("Upgrade: websocket");
  });
});

describe("sleep", () => {
  test("an open terminal keeps its session awake; one that nobody looks at does not, and is gone afterwards", async () => {
    const { id } = await newSession(client, { idleAfter: "1s", deepSleepAfter: "2s" });
    const viewer = open({ command: "echo up; exec cat" }, id);
    const { terminal } = await viewer.ready();
    const stateOf = async (): Promise<string> =>
      JSON.parse(await (await client.request("GET", `/sessions/${id}`)).text()).state;
    const openedAt = Date.now();
    await until("twice the time to sleep has passed", async () => {
      expect(await stateOf()).toBe("active");
      return Date.now() - openedAt > 4000;
    });
    viewer.drop();
    await until("it sleeps", async () => (await stateOf()) === "deep-sleep", { deadlineMs: 40_000 });
    expect(await list(id)).toEqual([]);
    const late = open({ id: terminal.id, after: 4 }, id);
    expect((await late.event("error")).error.message).toContain("slept");
    expect((await late.end()).code).toBe(TERMINAL_CLOSE.gone);
    expect(await stateOf(), "asking has woken nothing").toBe("deep-sleep");
    const anew = open({ id: terminal.id, after: 4, create: true, command: "echo awake; exec cat" }, id);
    expect(await anew.ready()).toMatchObject({ created: true, after: 0 });
    await anew.shows("awake");
  });
});
