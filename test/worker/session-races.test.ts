// What is asked of a session while another call of it waits for something outside.
import { env, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { DEVELOPMENT_ACCOUNT } from "../../src/contract/ids.ts";
import { Session, SessionList } from "../../src/contract/session.ts";
import type { UpdateSession } from "../../src/contract/session.ts";
import { accountOf } from "../../src/account/rpc.ts";
import { sessionOf } from "../../src/session/rpc.ts";
import { askAs, createAccount, operate } from "./accounts.ts";
import { ask, createSession, engine, execute, expectProblem, until } from "./client.ts";
import { holding, interceptFetch } from "./holding.ts";
import type { Held } from "./holding.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

type Methods = Record<string, (...args: unknown[]) => unknown>;

/** Holds the first such call of an account's object, before it does anything. */
async function holdAccount(
  accountId: string,
  name: "meter" | "enter",
  isIt: (...args: unknown[]) => boolean,
): Promise<Held> {
  const held = holding(name);
  await runInDurableObject(env.ACCOUNT.getByName(accountId), (object) => {
    // SAFETY: methods of the class, by name.
    const account = Object.getPrototypeOf(object) as Methods;
    const original = account[name];
    let isOver = false;
    vi.spyOn(account, name).mockImplementation(function (this: unknown, ...args) {
      if (isOver || !isIt(...args)) {
        return original?.apply(this, args);
      }
      isOver = true;
      return held.pass().then(() => original?.apply(this, args));
    });
  });
  return held;
}

/** Holds up the answers to such calls of the engine or the supervisor. */
function holdFetch(method: string, path: string): Held {
  const held = holding(path);
  interceptFetch(method, path, async (call) => {
    const response = await call();
    await held.pass();
    return response;
  });
  return held;
}

/** One that sleeps and was not used for over a minute, so that its next use is stored. */
async function asleepForLong(): Promise<string> {
  const { id } = await createSession();
  await execute({ sessionId: id, command: "echo kept > kept" });
  expect((await ask("POST", `/sessions/${id}/sleep`)).status).toBe(200);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 63_000 });
  return id;
}

const isRunning = async (id: string): Promise<boolean> =>
  JSON.stringify(await engine("GET", `/containers/${id}`)).includes('"running":true');

const isGone = async (id: string): Promise<boolean> => (await ask("GET", `/sessions/${id}`)).status === 404;

const isFor = (id: string) => (report: unknown) => (report as { sessionId: string }).sessionId === id;

async function get(id: string): Promise<Session> {
  return Session.parse(await (await ask("GET", `/sessions/${id}`)).json());
}

/** As the list shows it, which its account answers. */
async function listed(id: string): Promise<Session | undefined> {
  const { sessions } = SessionList.parse(await (await ask("GET", "/sessions?limit=100")).json());
  return sessions.find((session) => session.id === id);
}

function update(id: string, changes: UpdateSession): ReturnType<ReturnType<typeof sessionOf>["update"]> {
  return sessionOf(env, id).update(DEVELOPMENT_ACCOUNT, changes);
}

describe("a call that wakes a session, while it asks for the account's budget", () => {
  it("does not bring back what is deleted meanwhile", async () => {
    const id = await asleepForLong();
    const held = await holdAccount(DEVELOPMENT_ACCOUNT, "meter", isFor(id));
    const waking = ask("POST", "/execute", { body: { sessionId: id, command: "cat kept" } });
    await held.reached();
    const deleting = ask("DELETE", `/sessions/${id}`);
    await until("it is being deleted", () => isGone(id));
    held.letGo();
    expect(await (await deleting).json()).toEqual({ deleted: true, sessionId: id });
    await expectProblem(await waking, "session_not_found");
    expect([await isGone(id), await isRunning(id)]).toEqual([true, false]);
  });

  it("does not take back what is changed meanwhile", async () => {
    const id = await asleepForLong();
    const held = await holdAccount(DEVELOPMENT_ACCOUNT, "meter", isFor(id));
    const waking = execute({ sessionId: id, command: "cat kept" });
    await held.reached();
    const changed = await ask("PATCH", `/sessions/${id}`, { body: { description: "new", preview: "private" } });
    expect(changed.status).toBe(200);
    held.letGo();
    expect((await waking).stdout).toBe("kept\n");
    expect(await get(id)).toMatchObject({ state: "active", description: "new", preview: "private" });
  });
});

describe("an execution that is about to begin when its session is deleted", () => {
  it("starts no container any more", async () => {
    const { id: accountId, key } = await createAccount();
    await operate("PATCH", `/accounts/${accountId}`, { budget: { executions: 5 } });
    const created = await askAs(key, "POST", "/sessions", { body: { container: "on-demand" } });
    const { id } = Session.parse(await created.json());
    const held = await holdAccount(
      accountId,
      "meter",
      (report, options) => isFor(id)(report) && (options as { reserve: boolean }).reserve,
    );
    const destroyed = holdFetch("DELETE", `/containers/${id}`);
    destroyed.letGo();
    const executing = askAs(key, "POST", "/execute", { body: { sessionId: id, command: "true" } });
    await held.reached();
    const deleting = askAs(key, "DELETE", `/sessions/${id}`);
    await destroyed.reached();
    held.letGo();
    expect((await deleting).status).toBe(200);
    await expectProblem(await executing, "container_unavailable");
    expect(await isRunning(id)).toBe(false);
  });
});

describe("two changes of a session at once", () => {
  it("are both kept, by the session and by its account", async () => {
    const { id } = await createSession({ container: "on-demand" });
    const held = await holdAccount(DEVELOPMENT_ACCOUNT, "enter", (record) => (record as { id: string }).id === id);
    const first = update(id, { description: "new" });
    await held.reached();
    const second = update(id, { tags: ["new"] });
    // Calls arrive in order: when this one is answered, the other one has begun.
    await sessionOf(env, id).info(DEVELOPMENT_ACCOUNT);
    held.letGo();
    expect([(await first).ok, (await second).ok]).toEqual([true, true]);
    expect(await get(id)).toMatchObject({ description: "new", tags: ["new"] });
    expect(await listed(id)).toMatchObject({ description: "new", tags: ["new"] });
  });

  it("are not held up by one that is refused", async () => {
    const { name } = await createSession({ container: "on-demand", name: "taken-at-once" });
    const { id } = await createSession({ container: "on-demand" });
    const [refused, kept] = await Promise.all([update(id, { name }), update(id, { tags: ["new"] })]);
    expect([refused.ok, kept.ok]).toEqual([false, true]);
    expect(await get(id)).toMatchObject({ name: null, tags: ["new"] });
    expect(await accountOf(env, DEVELOPMENT_ACCOUNT).find("taken-at-once")).not.toBe(id);
  });
});

describe("services that are changed", () => {
  const service = (name: string): { name: string; command: string } => ({ name, command: "exec sleep 300" });
  const running = async (id: string): Promise<unknown> =>
    (await (await ask("GET", `/sessions/${id}/processes`)).json<{ services: unknown }>()).services;

  it("while the container starts are what runs when the change is answered", async () => {
    const { id } = await createSession({ container: "on-demand", services: [service("first")] });
    const held = holdFetch("PUT", "/services");
    const waking = ask("POST", `/sessions/${id}/wake`);
    await held.reached();
    const changing = ask("PATCH", `/sessions/${id}`, { body: { services: [service("second")] } });
    await until("the change is stored", async () => (await get(id)).services[0]?.name === "second");
    held.letGo();
    expect((await changing).status).toBe(200);
    expect(await running(id)).toEqual([expect.objectContaining({ name: "second", status: "running" })]);
    expect((await waking).status).toBe(200);
  });

  it("while the session falls asleep do not wake it", async () => {
    const { id } = await createSession({ services: [service("first")] });
    await execute({ sessionId: id, command: "true" });
    const held = holdFetch("DELETE", `/containers/${id}`);
    const sleeping = ask("POST", `/sessions/${id}/sleep`);
    await held.reached();
    const changing = ask("PATCH", `/sessions/${id}`, { body: { services: [service("second")] } });
    await until("the change is stored", async () => (await get(id)).services[0]?.name === "second");
    held.letGo();
    expect([(await sleeping).status, (await changing).status]).toEqual([200, 200]);
    expect([(await get(id)).state, await isRunning(id)]).toEqual(["deep-sleep", false]);
    await ask("POST", `/sessions/${id}/wake`);
    expect(await running(id)).toEqual([expect.objectContaining({ name: "second", status: "running" })]);
  });
});
