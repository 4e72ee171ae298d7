import { createHash } from "node:crypto";
import { getEventListeners } from "node:events";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket as WsWebSocket } from "ws";
import type { Buntime, Retry, Terminal } from "../../src/sdk/index.ts";
import { platformOfRun } from "../support/e2e.ts";
import { commonSession, ownSession, sdkOfRun } from "../support/sdk.ts";
import { unsteadyProxy } from "../support/unsteady-proxy.ts";
import { until } from "../support/until.ts";

const client = sdkOfRun();
const common = commonSession(client);

/** All that a terminal prints. */
function screenOf(terminal: Terminal): { readonly text: string; readonly bytes: Buffer } {
  const pieces: Uint8Array[] = [];
  terminal.onData((data) => void pieces.push(data));
  onTestFinished(() => terminal.disconnect());
  return {
    get bytes() {
      return Buffer.concat(pieces);
    },
    get text() {
      return this.bytes.toString();
    },
  };
}

const shows = (screen: { readonly text: string }, text: string): Promise<unknown> =>
  until(`the terminal to show ${text}`, () => screen.text.includes(text), { deadlineMs: 30_000 });

describe("client.terminal", () => {
  test.each([
    ["the runtime's WebSocket", client],
    ["that of ws", sdkOfRun({ webSocket: WsWebSocket })],
  ])("with %s opens a shell that is typed into, resized, and ends", async (_name, with_: Buntime) => {
    const terminal = await with_.terminal.open({ ...common, cols: 90, rows: 20 });
    const screen = screenOf(terminal);
    terminal.write("echo $((6 * 7)); stty size\r");
    await shows(screen, "42");
    await shows(screen, "20 90");
    terminal.resize(101, 31);
    await until("the new size", async () =>
      (await client.terminal.list(common)).terminals.some(({ id, cols }) => id === terminal.id && cols === 101),
    );
    terminal.write("exit 3\r");
    expect(await terminal.exited).toMatchObject({ exitCode: 3, signal: null });
    const exits: unknown[] = [];
    terminal.onExit((exit) => exits.push(exit));
    await until("it to be told", () => exits.length === 1);
  });

  test("runs a command, all of whose output comes before its end", async () => {
    const session = await ownSession(client);
    const terminal = await session.terminal({ command: "stty -opost; seq 1 200000" });
    const screen = screenOf(terminal);
    expect(await terminal.exited).toMatchObject({ exitCode: 0 });
    const wanted = Array.from({ length: 200_000 }, (_, index) => `${index + 1}\n`).join("");
    expect(screen.bytes.length).toBe(wanted.length);
    expect(createHash("sha256").update(screen.bytes).digest("hex")).toBe(
      createHash("sha256").update(wanted).digest("hex"),
    );
    expect(terminal.sequence).toBe(wanted.length);
  });

  test("is come back to, with what it printed in the meantime", async () => {
    const first = await client.terminal.open({ ...common });
    const before = screenOf(first);
    first.write("echo one-$((1))\r");
    await shows(before, "one-1");
    first.disconnect();
    await expect(first.exited).rejects.toMatchObject({ code: "aborted" });
    const second = await client.terminal.open({ ...common, id: first.id });
    const after = screenOf(second);
    await shows(after, "one-1");
    expect(await second.close()).toMatchObject({ closed: true, terminalId: first.id });
    await expect(second.exited).rejects.toMatchObject({ code: "terminal_not_found" });
    expect((await client.terminal.list(common)).terminals.map(({ id }) => id)).not.toContain(first.id);
  });

  test("loses nothing and shows nothing twice where its connections break", async () => {
    const session = await ownSession(client);
    const proxy = await unsteadyProxy(platformOfRun().url);
    const retries: Retry[] = [];
    const unsteady = sdkOfRun({ baseUrl: `${proxy.url.origin}/api`, onRetry: (retry) => retries.push(retry) });
    proxy.plan(
      [{ kind: "lose-answer" }, ...[3000, 50_000, 120_000, 1, 400].map((bytes) => ({ kind: "cut", bytes }) as const)],
      /terminal\?/,
    );
    // Random, since a WebSocket may compress what it carries.
    const command =
      "stty -opost; i=0; while test $i -lt 60; do head -c 5000 /dev/urandom | tee -a data; i=$((i+1)); sleep 0.01; done";
    const terminal = await unsteady.terminal.open({ sessionId: session.id, command });
    const screen = screenOf(terminal);
    expect(await terminal.exited).toMatchObject({ exitCode: 0 });
    const wanted = await session.files.read({ path: "data", as: "bytes" });
    expect(screen.bytes.equals(wanted)).toBe(true);
    expect(wanted.length).toBe(300_000);
    expect(proxy.done.length).toBe(6);
    expect(retries.length).toBeGreaterThanOrEqual(5);
    expect((await session.execution.kill({})).killed).toBe(0);
  });

  test("says why there is none", async () => {
    await expect(client.terminal.open({ sessionId: "none" })).rejects.toMatchObject({ code: "session_not_found" });
    await expect(sdkOfRun({ apiKey: "btk_none" }).terminal.open(common)).rejects.toMatchObject({
      code: "unauthorized",
    });
    const gone = client.terminal.open({ ...common, id: `trm_${"0".repeat(20)}` });
    await expect(gone).rejects.toMatchObject({ code: "terminal_not_found" });
  });

  test("a signal that lives longer does not keep it", async () => {
    const { signal } = new AbortController();
    const [ended, left] = await Promise.all(
      ["exit 0", "sleep 600"].map((command) => client.terminal.open({ ...common, command }, { signal })),
    );
    await ended?.exited;
    left?.disconnect();
    expect(getEventListeners(signal, "abort")).toEqual([]);
    await left?.close().catch(() => {});
  });

  test("a signal ends the opening and the terminal's connection", async () => {
    const leave = new AbortController();
    leave.abort();
    await expect(client.terminal.open(common, { signal: leave.signal })).rejects.toMatchObject({ code: "aborted" });
  });
});
