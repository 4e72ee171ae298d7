// What a session answers when the engine, the supervisor or its repository fails it at a moment of no importance to what was
// asked for, or at one that is.
import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DEFAULT_RESOURCES } from "../../src/contract/limits.ts";
import { newId } from "../../src/contract/ids.ts";
import { SnapshotList } from "../../src/contract/snapshot.ts";
import { Runtime } from "../../src/session/runtime.ts";
import { SessionStore } from "../../src/session/store.ts";
import { ask, createSession, engine, execute, expectProblem } from "./client.ts";
import { holding, interceptFetch } from "./holding.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockReturnValue();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const stubOf = (id: string): DurableObjectStub => env.SESSION.getByName(id);

/** These calls of the engine or the supervisor fail from now on; gives what has them work again. */
const fail = (method: string, path: string): (() => void) =>
  interceptFetch(method, path, () => Promise.reject(new Error("not done after 5000 ms")));

async function labels(id: string): Promise<(string | null)[]> {
  const { snapshots } = SnapshotList.parse(await (await ask("GET", `/sessions/${id}/snapshots`)).json());
  return snapshots.map(({ label }) => label);
}

const snapshot = (id: string, label: string): Promise<Response> =>
  ask("POST", `/sessions/${id}/snapshots`, { body: { label } });

async function used(body: unknown = {}): Promise<string> {
  const { id } = await createSession(body);
  await execute({ sessionId: id, command: "echo 1 > kept" });
  return id;
}

describe("a snapshot that is stored", () => {
  it("is told as made, though its repository could not be told that the upload is over", async () => {
    const id = await used();
    await runInDurableObject(env.REPOSITORY.getByName(id), (object) => {
      const repository = Object.getPrototypeOf(object) as { giveUp: () => never };
      vi.spyOn(repository, "giveUp").mockImplementation(() => {
        throw new Error("the repository is away");
      });
    });
    expect((await snapshot(id, "one")).status).toBe(201);
    expect(await labels(id)).toEqual(["one"]);
  });

  it("is told as made, though its supervisor could not be told, and the next one holds what changed since", async () => {
    const id = await used();
    const mend = fail("POST", "/snapshot/commit");
    expect((await snapshot(id, "one")).status).toBe(201);
    // Nothing has changed: this one has the same contents.
    expect((await snapshot(id, "two")).status).toBe(201);
    mend();
    await execute({ sessionId: id, command: "echo 2 >> kept" });
    expect((await snapshot(id, "three")).status).toBe(201);
    expect(await labels(id)).toEqual(["three", "two", "one"]);
    expect((await ask("POST", `/sessions/${id}/sleep`)).status).toBe(200);
    expect((await execute({ sessionId: id, command: "cat kept" })).stdout).toBe("1\n2\n");
  });
});

describe("a session whose processes cannot be frozen", () => {
  it("says so when it is put to sleep or restored, and goes on", async () => {
    const id = await used();
    const { snapshotId } = await (await snapshot(id, "one")).json<{ snapshotId: string }>();
    const mend = fail("POST", "/freeze");
    await expectProblem(await ask("POST", `/sessions/${id}/sleep`), "container_unavailable");
    const restored = await ask("POST", `/sessions/${id}/snapshots/${snapshotId}/restore`, { body: {} });
    await expectProblem(restored, "container_unavailable");
    expect((await execute({ sessionId: id, command: "cat kept" })).stdout).toBe("1\n");
    mend();
    expect((await ask("POST", `/sessions/${id}/sleep`)).status).toBe(200);
  });

  it("is removed in time, though its budget is spent as well", async () => {
    const id = await used({ ttl: 300, budget: { activeSeconds: 60 } });
    fail("POST", "/freeze");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 301_000 });
    await runDurableObjectAlarm(stubOf(id));
    const tables = await runInDurableObject(
      stubOf(id),
      (_object, { storage }) =>
        storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name NOT LIKE '_cf_%'").toArray().length,
    );
    expect(tables).toBe(0);
    expect(await engine("GET", `/containers/${id}`)).toMatchObject({ running: false });
  });
});

it("a session whose processes cannot go on says so, and serves once they can", async () => {
  const id = await used();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 5 * 60_000 });
  await runDurableObjectAlarm(stubOf(id));
  expect(await (await ask("GET", `/sessions/${id}`)).json()).toMatchObject({ state: "idle" });
  const mend = fail("POST", "/thaw");
  const call = { sessionId: id, command: "cat kept" };
  await expectProblem(await ask("POST", "/execute", { body: call }), "container_unavailable");
  mend();
  expect((await execute(call)).stdout).toBe("1\n");
});

it("a container that is asked for while the one before it cannot be ended is not to be had, and then it is", async () => {
  const id = newId("ses");
  await runInDurableObject(stubOf(id), async (_object, state) => {
    const hooks = { prepare: () => async () => {}, settle: async () => {}, lost: () => {} };
    const runtime = new Runtime(state, env, { store: new SessionStore(state.storage), sessionId: id, hooks });
    expect((await runtime.ready(DEFAULT_RESOURCES)).ok).toBe(true);
    const held = holding("its end");
    const mend = interceptFetch("DELETE", `/containers/${id}`, async () => {
      await held.pass();
      throw new Error("not done");
    });
    const released = runtime.release().catch(String);
    await held.reached();
    const asked = runtime.ready(DEFAULT_RESOURCES);
    held.letGo();
    expect(await asked).toMatchObject({ ok: false, error: { code: "container_unavailable" } });
    expect(await released).toContain("not done");
    mend();
    expect((await runtime.ready(DEFAULT_RESOURCES)).ok).toBe(true);
    await runtime.destroy();
    expect(await runtime.ready(DEFAULT_RESOURCES)).toMatchObject({
      ok: false,
      error: { details: { reason: "the session was deleted" } },
    });
  });
});
