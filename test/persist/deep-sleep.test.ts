// sandbox-agent as it is installed from npm, its server as a service in a session, its client outside.
import { createReadStream, readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { SandboxAgent } from "sandbox-agent";
import { expect, onTestFinished, test } from "vitest";
import { previewLabel } from "../../src/contract/ids.ts";
import { Replay } from "../../src/contract/history.ts";
import { BuntimeSessionPersistDriver } from "../../src/sdk/persist/index.ts";
import { newSession, platformOfRun } from "../support/e2e.ts";
import { infoOf, SOON, untilState } from "../support/life.ts";
import { allEvents } from "./conversations.ts";
import { methodOf, MOCK_AGENT, MOCK_PLACE, promptsOf, say, SERVER, serverCommand } from "./sandbox-agent.ts";

const client = platformOfRun();
const PORT = 2468;
const FOLDER = "/workspace/agents";

async function put(sessionId: string, path: string, body: NonNullable<RequestInit["body"]>): Promise<void> {
  const { status } = await client.request("PUT", `/sessions/${sessionId}/files/${path}`, { body });
  expect(status).toBe(201);
}

/** Of the session's preview. Its host need not resolve, and the runtime's fetch would not send another one. */
function fetchOf(sessionId: string): typeof fetch {
  const host = `${previewLabel(sessionId, PORT)}.${client.domain}`;
  return async (input, init) => {
    const asked = new Request(input, init);
    const { pathname, search } = new URL(asked.url);
    const { hostname, port } = client.url;
    const headers = { ...Object.fromEntries(asked.headers), host };
    const text = await asked.text();
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const { method, signal } = asked;
      const path = pathname + search;
      httpRequest({ hostname, port, path, method, headers, signal }, resolve)
        .once("error", reject)
        .end(text === "" ? undefined : text);
    });
    const { statusCode: status = 0 } = answer;
    const body = status === 204 ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array>);
    return new Response(body, { status, headers: { "content-type": answer.headers["content-type"] ?? "" } });
  };
}

async function connected(sessionId: string, persist: BuntimeSessionPersistDriver): Promise<SandboxAgent> {
  const sdk = await SandboxAgent.connect({ fetch: fetchOf(sessionId), persist, waitForHealth: { timeoutMs: 40_000 } });
  onTestFinished(() => sdk.dispose());
  return sdk;
}

test.skipIf(SERVER === undefined)(
  "a conversation with an agent in a session goes on after deep sleep, and its transcript is whole",
  async () => {
    const { id: sessionId } = await newSession(client, SOON);
    await put(sessionId, "agents/server", createReadStream(SERVER ?? "") as never);
    await put(sessionId, "agents/mock-agent.ts", readFileSync(MOCK_AGENT));
    await put(sessionId, `agents/${MOCK_PLACE}`, `#!/bin/sh\nexec bun ${FOLDER}/mock-agent.ts\n`);
    await client.execute({ sessionId, command: `chmod +x ${FOLDER}/server ${FOLDER}/${MOCK_PLACE}` });
    const services = [
      {
        name: "sandbox-agent",
        port: PORT,
        env: { XDG_DATA_HOME: FOLDER },
        command: ["exec", `${FOLDER}/server`, ...serverCommand(PORT), "--host", "0.0.0.0"].join(" "),
      },
    ];
    expect((await client.request("PATCH", `/sessions/${sessionId}`, { json: { services } })).status).toBe(200);

    const driver = (): BuntimeSessionPersistDriver =>
      new BuntimeSessionPersistDriver({ sessionId, apiKey: client.apiKey, baseUrl: `${client.url.origin}/api` });
    const [first, second] = [driver(), driver()];
    const sdk = await connected(sessionId, first);
    const session = await sdk.createSession({ agent: "mock", cwd: "/workspace" });
    const before = await say(session, first, "remember 42");
    const record = await first.getSession(session.id);
    // The server answers the client's goodbye once the agent's process has ended, which it does not see to.
    await client.execute({ sessionId, command: "pkill -f mock-agent.ts" });
    await sdk.dispose();

    await untilState(client, sessionId, "deep-sleep");
    expect(await allEvents(second, session.id)).toEqual(before);
    expect(await second.getSession(session.id)).toEqual(record);
    expect((await infoOf(client, sessionId)).state).toBe("deep-sleep");

    // Asking the server wakes the session, and it is there again as the service that it is.
    const resumed = await (await connected(sessionId, second)).resumeSession(session.id);
    expect(resumed.agentSessionId).not.toBe(session.agentSessionId);
    const events = await say(resumed, second, "what was it?");
    expect(events.slice(0, before.length)).toEqual(before);
    expect(events.map(({ eventIndex }) => eventIndex)).toEqual(events.map((_, at) => at + 1));
    expect(new Set(events.map(({ connectionId }) => connectionId)).size).toBe(2);
    const spoken = events.map((event) => `${event.sender} ${methodOf(event)}`);
    const turn = [
      "client session/new",
      "agent answer",
      "client session/prompt",
      "agent session/update",
      "agent answer",
    ];
    // The agent has heard the replay as a block of its own.
    expect(spoken.toSorted()).toEqual([...turn, ...turn, "agent session/update"].toSorted());
    const [asked, again] = promptsOf(events);
    expect(asked).toEqual(["remember 42"]);
    expect(again).toEqual([expect.stringContaining("heard: remember 42"), "what was it?"]);

    const path = `/sessions/${sessionId}/replay?thread=${session.id}`;
    const replay = await client.ask(Replay, "GET", path);
    expect(replay).toMatchObject({ events: events.length, truncated: false });
    expect(replay.text.match(/heard: remember 42/g)).toHaveLength(1);
  },
  120_000,
);
