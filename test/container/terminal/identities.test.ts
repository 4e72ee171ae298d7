// The same terminals where user processes are kept apart by a uid and where they are by namespaces: in real containers.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { ProcessList } from "../../../src/contract/execute.ts";
import { CONTROL_PORT } from "../../../src/contract/ids.ts";
import type { TerminalList } from "../../../src/contract/terminal.ts";
import { TERMINAL_CLOSE } from "../../../src/contract/terminal-wire.ts";
import type { TestEngine } from "../../support/engine.ts";
import { until } from "../../support/until.ts";
import { HOSTS, startEngineOn } from "../engine/hosts.ts";
import { Machine } from "../engine/machine.ts";
import { SLOW_MS } from "../process/harness.ts";
import { Screen, settledSequence } from "./screen.ts";
import type { ScreenOptions } from "./screen.ts";

for (const host of HOSTS) {
  describe.if(host.missing === null)(`on an engine ${host.name}`, () => {
    let engine: TestEngine;
    let machine: Machine;
    let address = "";
    beforeAll(async () => {
      engine = await startEngineOn(host);
      machine = await Machine.start(engine);
      address = await machine.address(CONTROL_PORT);
      await machine.bootId();
    });
    afterAll(() => engine.stop());
    afterEach(async () => {
      const { terminals } = await ask<TerminalList>("/terminals");
      for (const { id } of terminals) await machine.supervisor(`/terminals/${id}`, { method: "DELETE" });
    });

    const ask = async <T>(path: string, init: RequestInit = {}): Promise<T> => {
      const response = await machine.supervisor(path, init);
      if (!response.ok) throw new Error(await response.text());
      // SAFETY: the type that the contract gives this path.
      return (await response.json()) as T;
    };
    const processes = async () => (await ask<ProcessList>("/processes")).processes;
    const open = (options: ScreenOptions = {}): Screen =>
      new Screen({ address, authorization: machine.authorization }, options);

    test("a shell has a terminal of its own, with a name, job control and no rights", async () => {
      const screen = open({ cols: 91, rows: 23 });
      await screen.ready();
      screen.type("tty; stty size; sleep 1000 & grep CapEff /proc/self/status; ls /run/buntime; echo all-$((1))\r");
      await screen.shows("all-1");
      expect(screen.text).toContain("/dev/pts/");
      expect(screen.text).toContain("23 91");
      expect(screen.text).toContain("/workspace");
      expect(screen.text).toMatch(/CapEff:\s+0000000000000000/);
      expect(screen.text).not.toContain("control.sock");
      expect(screen.text).not.toContain("no job control");
      expect(screen.text).not.toContain("I have no name");
      // By its own name too, which programs that ask for a password or a page need.
      screen.type("echo by-$((2))-name > /dev/tty; echo x > $(tty) && echo fine-$((3))\r");
      await screen.shows("by-2-name");
      await screen.shows("fine-3");
      screen.say({ type: "resize", cols: 120, rows: 40 });
      screen.type("stty size\r");
      await screen.shows("40 120");
    });

    test("Ctrl-C, Ctrl-Z and fg do what they do", async () => {
      const screen = open();
      await screen.ready();
      screen.type("sleep 1001; echo ended-$?\r");
      await until("it sleeps", async () => (await processes()).some(({ command }) => command === "sleep 1001"));
      screen.type("\u0003");
      screen.type("echo after-$((1))\r");
      await screen.shows("after-1");
      screen.type("sh -c 'sleep 1.5; echo woken-$((2))'\r");
      await until("it sleeps", async () => (await processes()).some(({ command }) => command === "sleep 1.5"));
      screen.type("\u001a");
      await screen.shows("Stopped");
      screen.type("fg\r");
      await screen.shows("woken-2");
    });

    test("a program's exit code is its own, after all of its output", async () => {
      const screen = open({ command: "seq 1 50000; exit 5" });
      expect(await screen.event("exit")).toMatchObject({ exitCode: 5, signal: null });
      expect(screen.text.endsWith("\n50000\r\n")).toBe(true);
      const killed = open({ command: "kill -TERM $$" });
      expect(await killed.event("exit")).toMatchObject({ exitCode: null, signal: "SIGTERM" });
    });

    test(
      "closing ends all of its processes at once, a stopped one too",
      async () => {
        const screen = open();
        await screen.ready();
        screen.type("sleep 1002 & setsid sleep 1003 & sh -c 'kill -STOP $$' &\r");
        await until("all run", async () => (await processes()).length >= 4);
        await machine.supervisor(`/terminals/${screen.id}`, { method: "DELETE" });
        expect((await screen.end()).code).toBe(TERMINAL_CLOSE.closed);
        expect(await processes()).toEqual([]);
      },
      SLOW_MS,
    );

    test("a freeze stops what runs in it, jobs in front too, and nothing notices", async () => {
      const screen = open();
      await screen.ready();
      screen.type("while :; do echo tick; sleep 0.02; done\r");
      await screen.shows("tick\r\ntick");
      expect(await ask("/freeze", { method: "POST" })).toMatchObject({ frozen: true });
      const sequence = async () => (await ask<TerminalList>("/terminals")).terminals[0]?.sequence ?? -1;
      const before = await settledSequence(sequence);
      await ask("/thaw", { method: "POST" });
      await until("it ticks on", async () => (await sequence()) > before + 50);
      expect(screen.text).not.toContain("Stopped");
      screen.type("\u0003");
      screen.type("echo still-$((1))\r");
      await screen.shows("still-1");
    });
  });
}
