// At a terminal: `buntime shell`, tables that fit, and what others chose to call their things.
import { truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { newSession, platformOfRun, sharedSession } from "../support/e2e.ts";
import { widthOf } from "../../src/cli/text.ts";
import { until } from "../support/until.ts";
import { buntime, folder, json, start } from "./command.ts";
import { startCuttingProxy } from "./cutting-proxy.ts";
import { startGate } from "./gate.ts";
import { Pty } from "./pty.ts";

const platform = platformOfRun();
const session = sharedSession(platform);

describe("shell", () => {
  test("is a terminal of the size of one's own, and ends as its shell does", async () => {
    const pty = new Pty(["shell", session.id], { cols: 101, rows: 33 });
    pty.type("stty size; echo at:$(pwd)\n");
    await pty.shows("33 101");
    await pty.shows("at:/workspace");
    pty.resize(77, 22);
    pty.type("sleep 0.2; stty size\n");
    await pty.shows("22 77");
    // Ctrl-C goes to the program, not to buntime.
    pty.type("sh -c \"echo ins'id'e; exec sleep 63.5\"\n");
    await pty.shows("inside\r");
    pty.type("\u0003");
    pty.type("exit 9\n");
    expect(await pty.ended()).toBe(9);
  });

  test("runs a program in place of the shell, its arguments as they are", async () => {
    const pty = new Pty(["shell", session.id, "--", "sh", "-c", 'echo "$1"; exit 4', "sh", "it's a b"]);
    expect(await pty.ended()).toBe(4);
    expect(pty.output).toContain("it's a b\r");
  });

  test("is left running by a key, and found again as it was", async () => {
    const pty = new Pty(["shell", session.id]);
    pty.type("X=kept; echo set:$X\n");
    await pty.shows("set:kept");
    pty.type("\u001d");
    expect(await pty.ended()).toBe(0);
    const [, id = ""] = /--attach (trm_[0-9a-z]{20})/.exec(pty.output) ?? [];
    expect((await buntime(["shell", session.id, "--list"])).stdout).toMatch(new RegExp(`${id}.*running`));
    const again = new Pty(["shell", session.id, "--attach", id]);
    again.type("echo still:$X; exit 3\n");
    await again.shows("still:kept");
    expect(await again.ended()).toBe(3);
  });

  test("goes on where its connection breaks, with nothing lost and nothing twice", async () => {
    const proxy = await startCuttingProxy(platform.url, { afterBytes: 4000, times: 2 });
    const line = "for i in $(seq 1 20000); do echo line $i; done; exit 5";
    const pty = new Pty(["shell", session.id, "--", "sh", "-c", line], { env: { BUNTIME_BASE_URL: proxy.baseUrl } });
    expect(await pty.ended()).toBe(5);
    // The local terminal puts a CR of its own before each LF.
    const printed = pty.output.split(/\r+\n/).filter((text) => text.startsWith("line "));
    expect(printed.join(",")).toBe(Array.from({ length: 20_000 }, (_, index) => `line ${index + 1}`).join(","));
    expect(proxy.cuts).toBe(2);
  });

  test("lets who pipes into it wait while there is no connection, and loses nothing", async () => {
    const gate = await startGate();
    gate.open(Number(platform.url.port));
    const bytes = 3 * 1024 * 1024;
    const line = `stty raw -echo; echo ready; head -c ${bytes} | wc -c`;
    const env = { BUNTIME_BASE_URL: gate.baseUrl };
    const running = start(["shell", session.id, "--", "sh", "-c", line], { env });
    await running.printed("ready");
    gate.close();
    gate.cut();
    await until("it seeks a connection", () => gate.connections > 0);
    const { stdin } = running.child;
    let taken = 0;
    const pour = async (): Promise<void> => {
      for (; taken < bytes; taken += 65_536) {
        await new Promise<unknown>((resolve) => void stdin.write(Buffer.alloc(65_536, "x"), resolve));
      }
    };
    const poured = pour();
    await until("it has read what it keeps", () => taken > 1024 * 1024 + 65_536);
    gate.open(Number(platform.url.port));
    await poured;
    const { code, stdout, stderr } = await running.ended();
    expect({ code, stderr, counted: stdout.includes(String(bytes)) }).toEqual({ code: 0, stderr: "", counted: true });
  });

  test("takes what is piped in, and ends with it", async () => {
    const { code, stdout } = await buntime(["shell", session.id, "--", "sh"], { input: "echo pi''ped; exit 6\n" });
    expect(code).toBe(6);
    expect(stdout).toContain("piped");
  });
});

describe("what others chose", () => {
  const NASTY = "\u001b[31mred\u001b]0;title\u0007\u009b2J\r\u202eltr\u200b";
  const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u200b]/;

  test("reaches a terminal as text, whatever it is called", async () => {
    const named = await newSession(platform, { metadata: { [NASTY]: NASTY } });
    const write = { sessionId: named.id, path: `nasty ${NASTY}`, content: "x" };
    expect((await platform.request("POST", "/files/write", { json: write })).status).toBe(200);
    await platform.request("POST", `/sessions/${named.id}/snapshots`, { json: { label: NASTY } });
    await buntime(["exec", named.id, "-c", `: '${NASTY}'`]);
    const shown = [
      ["sessions", "list"],
      ["sessions", "info", named.id],
      ["files", "ls", named.id],
      ["snapshots", "list", named.id],
      ["logs", named.id],
      ["files", "cat", named.id, `no ${NASTY}`],
    ].flatMap((args) => [args, [...args, "--json"]]);
    await Promise.all(
      shown.map(async (args) => {
        const { stdout, stderr } = await buntime(args);
        expect({ args, control: CONTROL.exec(stdout + stderr)?.[0] }).toEqual({ args, control: undefined });
      }),
    );
    expect((await json(["sessions", "info", named.id]))["metadata"]).toEqual({ [NASTY]: NASTY });
  });

  test("is cut where a table would not fit, by the columns that it takes", async () => {
    const named = await newSession(platform, { metadata: { wide: "漢字かな交じり文 👩‍👩‍👧‍👦 ".repeat(9) } });
    const pty = new Pty(["sessions", "list"], { cols: 90 });
    expect(await pty.ended()).toBe(0);
    // oxlint-disable-next-line no-control-regex -- colours are taken out to count columns
    const lines = pty.output.replaceAll(/\u001b\[\d+m/g, "").split("\r\n");
    expect(lines.find((line) => line.startsWith(named.id))).toContain("…");
    expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(90);
  });
});

test("colours are for terminals, and for who asks for them", async () => {
  const colours = async (env: Record<string, string>): Promise<boolean> =>
    (await buntime(["sessions", "list"], { env })).stdout.includes("\u001b[1m");
  expect(await Promise.all([colours({}), colours({ FORCE_COLOR: "1" }), colours({ NO_COLOR: "1" })])).toEqual([
    false,
    true,
    false,
  ]);
  const [plain, coloured] = [new Pty(["sessions", "list"], { env: { NO_COLOR: "1" } }), new Pty(["sessions", "list"])];
  await Promise.all([plain.ended(), coloured.ended()]);
  expect([plain, coloured].map((pty) => pty.output.includes("\u001b[1m"))).toEqual([false, true]);
});

describe("a large copy", () => {
  /** It has begun, and gets no further until it is let go. */
  async function begun() {
    const file = path.join(folder(), "large.bin");
    writeFileSync(file, Buffer.alloc(64 * 1024 * 1024));
    const hold = Promise.withResolvers<void>();
    const proxy = await startCuttingProxy(platform.url, { afterBytes: 0, times: 0, hold: hold.promise });
    const pty = new Pty(["cp", file, `${session.id}:`], { cols: 100, env: { BUNTIME_BASE_URL: proxy.baseUrl } });
    await pty.shows(" of 64.0 MB");
    return { file, pty, letGo: hold.resolve };
  }

  test("shows how far it is, on a terminal only", async () => {
    const { pty, letGo } = await begun();
    letGo();
    expect(await pty.ended()).toBe(0);
    expect(pty.output).toMatch(/▕.{24}▏ +\d+%  [\d.]+ [KM]?B of 64\.0 MB  .*\/s/);
  });

  test("of a file that becomes shorter meanwhile ends, and says why", async () => {
    const { file, pty, letGo } = await begun();
    truncateSync(file, 1024);
    letGo();
    expect(await pty.ended()).toBe(1);
    expect(pty.output).toContain("changed its size");
  });
});
