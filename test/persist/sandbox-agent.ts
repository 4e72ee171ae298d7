// sandbox-agent's server as its package has it, and what a conversation over its client leaves.
import { spawn } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Session, SessionEvent } from "sandbox-agent";
import { beforeAll } from "vitest";
import { BUN, TIED } from "../../src/local/repository.ts";
import type { SessionPersistDriver } from "../../src/sdk/persist/driver.ts";
import { until } from "../support/until.ts";
import { allEvents } from "./conversations.ts";

/** Of this machine's kind; undefined where the package has none. */
export const SERVER: string | undefined = (() => {
  try {
    const name = `@sandbox-agent/cli-${process.platform}-${process.arch}/bin/sandbox-agent`;
    return createRequire(import.meta.url).resolve(name);
  } catch {
    return undefined;
  }
})();

export const MOCK_AGENT = path.join(import.meta.dirname, "mock-agent.ts");

/** Where the server looks for the program of its agent `mock`, below its data folder. */
export const MOCK_PLACE = "sandbox-agent/bin/agent_processes/mock-acp";

/** Nothing is fetched: the agent's program lies where it looks. */
export const serverCommand = (port: number): string[] => [
  "server",
  "--no-token",
  "--no-telemetry",
  "--port",
  `${port}`,
];

/** On this machine, for the tests of a file. Called there; read in the tests. */
export function serverOfFile(): { readonly baseUrl: string } {
  const started = { baseUrl: "" };
  beforeAll(async () => {
    const home = mkdtempSync(path.join(tmpdir(), "buntime-sandbox-agent-"));
    const agent = path.join(home, MOCK_PLACE);
    mkdirSync(path.dirname(agent), { recursive: true });
    writeFileSync(agent, `#!/bin/sh\nexec '${BUN}' '${MOCK_AGENT}'\n`);
    chmodSync(agent, 0o755);
    // As it is installed it may not be run: that would take a script of its package.
    const program = path.join(home, "server");
    copyFileSync(SERVER ?? "", program);
    chmodSync(program, 0o755);
    const port = await freePort();
    const child = spawn(TIED, serverCommand(port), {
      stdio: "ignore",
      env: { ...process.env, TIED: program, HOME: home, XDG_DATA_HOME: home },
    });
    const closed = new Promise((resolve) => child.once("close", resolve));
    started.baseUrl = `http://127.0.0.1:${port}`;
    await until(
      "sandbox-agent answers",
      () =>
        fetch(`${started.baseUrl}/v1/health`).then(
          ({ ok }) => ok,
          () => false,
        ),
      {
        deadlineMs: 40_000,
      },
    );
    return async () => {
      child.kill("SIGKILL");
      await closed;
      rmSync(home, { recursive: true, force: true });
    };
  });
  return started;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Prompts, and resolves with all events of the session when those of this turn are in the store. */
export async function say(session: Session, persist: SessionPersistDriver, text: string): Promise<SessionEvent[]> {
  await session.prompt([{ type: "text", text }]);
  // The client writes what it sees behind the caller's back.
  return await until(
    `the turn of "${text}" is in the store`,
    async () => {
      const events = (await allEvents(persist, session.id)) as SessionEvent[];
      const asked = events.findLast((event) => methodOf(event) === "session/prompt");
      const rest = asked === undefined ? [] : events.slice(events.indexOf(asked) + 1);
      const isHeard = rest.some((event) => JSON.stringify(event.payload).includes(JSON.stringify(`heard: ${text}`)));
      return isHeard && rest.some(({ payload }) => "result" in payload) && events;
    },
    { deadlineMs: 30_000 },
  );
}

export const methodOf = ({ payload }: SessionEvent): string => ("method" in payload ? payload.method : "answer");

/** The texts of the blocks of each prompt. */
export function promptsOf(events: readonly SessionEvent[]): string[][] {
  return events
    .filter((event) => methodOf(event) === "session/prompt")
    .map(({ payload }) =>
      (payload as { params: { prompt: { text: string }[] } }).params.prompt.map(({ text }) => text),
    );
}
