// What an account's own keys are told of it.
import { describe, expect, it } from "vitest";
import { OwnAccount } from "../../src/contract/account.ts";
import { DEVELOPMENT_ACCOUNT } from "../../src/contract/ids.ts";
import { PLANS } from "../../src/contract/limits.ts";
import { askAs, createAccount, createKey, operate } from "./accounts.ts";
import { ask, expectProblem } from "./client.ts";

async function accountOf(key: string): Promise<OwnAccount> {
  return OwnAccount.parse(await (await askAs(key, "GET", "/account")).json());
}

describe("an account of one's own", () => {
  it("tells its plan and limits, what is spent of its budget, and how many sessions it has", async () => {
    const { id, key } = await createAccount({ name: "Ada", plan: "enterprise", limits: { sessions: 7 } });
    const budget = { executions: 10 };
    await operate("PATCH", `/accounts/${id}`, { budget });
    expect(await accountOf(key)).toEqual({
      id,
      name: "Ada",
      plan: "enterprise",
      limits: { ...PLANS.paid, sessions: 7 },
      status: "active",
      budget,
      spent: { activeSeconds: 0, executions: 0 },
      sessions: 0,
    });
    const session = await (await askAs(key, "POST", "/sessions", { body: {} })).json<{ id: string }>();
    const body = { sessionId: session.id, command: "true" };
    expect((await askAs(key, "POST", "/execute", { body })).status).toBe(200);
    expect(await accountOf(key)).toMatchObject({ sessions: 1, spent: { executions: 1 } });
    await askAs(key, "DELETE", `/sessions/${session.id}`);
    expect((await accountOf(key)).sessions).toBe(0);
  });

  it("is told of the development account as well", async () => {
    const response = await ask("GET", "/account");
    expect(await response.json()).toMatchObject({
      id: DEVELOPMENT_ACCOUNT,
      name: "development",
      plan: "paid",
      limits: { sessions: 10_000 },
      budget: null,
    });
  });

  it("is no business of a key that may not look at sessions, or of one session alone", async () => {
    const { key } = await createKey({ scopes: ["execute"] });
    await expectProblem(await askAs(key, "GET", "/account"), "forbidden");
    const session = await (await ask("POST", "/sessions", { body: {} })).json<{ id: string }>();
    const bound = await createKey({ sessionId: session.id });
    await expectProblem(await askAs(bound.key, "GET", "/account"), "forbidden");
    await expectProblem(await askAs("btk_wrong", "GET", "/account"), "unauthorized");
  });
});
