// What the engine is told of a session's way to the network, and that a change of it is never half done.
import { env, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Session, SessionInfo } from "../../src/contract/session.ts";
import { ask, createSession, execute, expectProblem, loseObject } from "./client.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const stubOf = (id: string): DurableObjectStub => env.SESSION.getByName(id);
const change = (id: string, body: unknown): Promise<Response> => ask("PATCH", `/sessions/${id}`, { body });

async function infoOf(id: string): Promise<SessionInfo> {
  return SessionInfo.parse(await (await ask("GET", `/sessions/${id}`)).json());
}

/** What the engine is told at each start of this container from now on. */
function watchStarts(): (id: string) => unknown[] {
  const realFetch = globalThis.fetch;
  const starts: { readonly url: string; readonly internet: unknown }[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => {
    if (typeof input === "string" && input.endsWith("/start") && typeof init?.body === "string") {
      starts.push({ url: input, internet: JSON.parse(init.body).internet });
    }
    return realFetch(input, init);
  });
  return (id) => starts.filter(({ url }) => url.includes(id)).map(({ internet }) => internet);
}

describe("a container", () => {
  it("is started with a way to the network, or without, as its session is", async () => {
    const starts = watchStarts();
    for (const body of [{}, { internet: true }, { internet: false }]) {
      const { id, internet } = await createSession(body);
      await execute({ sessionId: id, command: "true" });
      expect([internet, starts(id)]).toEqual([body.internet ?? true, [body.internet ?? true]]);
    }
  });

  it("has the network in a session that was stored before there was a choice", async () => {
    const { id } = await createSession({ internet: false, container: "on-demand" });
    await runInDurableObject(stubOf(id), (_object, { storage }) => {
      storage.sql.exec("UPDATE session SET record = json_remove(record, '$.internet')");
    });
    await loseObject(stubOf(id));
    const starts = watchStarts();
    expect((await infoOf(id)).internet).toBe(true);
    await execute({ sessionId: id, command: "true" });
    expect(starts(id)).toEqual([true]);
  });
});

describe("a change", () => {
  it("is no success while the container is as before, and is one once it could be released", async () => {
    const { id } = await createSession();
    await execute({ sessionId: id, command: "echo kept > kept" });
    const broken = vi.spyOn(env.SNAPSHOTS, "put").mockRejectedValue(new Error("no bucket"));
    vi.spyOn(console, "error").mockReturnValue();
    await expectProblem(await change(id, { internet: false }), "storage_unavailable");
    await loseObject(stubOf(id));
    await expectProblem(await change(id, { internet: false }), "storage_unavailable");
    broken.mockRestore();

    const starts = watchStarts();
    const changed = await change(id, { internet: false });
    expect(Session.parse(await changed.json())).toMatchObject({ internet: false, state: "deep-sleep" });
    expect((await execute({ sessionId: id, command: "cat kept" })).stdout).toBe("kept\n");
    expect(starts(id)).toEqual([false]);
  });

  it("back to what the container was started with leaves it alone", async () => {
    const { id } = await createSession();
    await execute({ sessionId: id, command: "echo kept > kept" });
    const broken = vi.spyOn(env.SNAPSHOTS, "put").mockRejectedValue(new Error("no bucket"));
    vi.spyOn(console, "error").mockReturnValue();
    await expectProblem(await change(id, { internet: false }), "storage_unavailable");
    broken.mockRestore();
    const starts = watchStarts();
    expect((await change(id, { internet: true })).status).toBe(200);
    await execute({ sessionId: id, command: "true" });
    expect(starts(id)).toEqual([]);
  });
});
