// ERA's API for more than one account: whose ids are whose, and what a key may do.
import { describe, expect, onTestFinished, test } from "vitest";
import { NewAccount, NewKey } from "../../src/contract/account.ts";
import { Client, ON_DOCKER } from "../support/e2e.ts";
import { era } from "../support/era.ts";
import { startTestPlatform } from "../support/platform.ts";

const ADMIN_KEY = "admin_end2end_00000000000000000";

// The embedded engine alone: accounts are the Worker's business.
describe.skipIf(ON_DOCKER)("accounts", () => {
  test("the same id is another session for another account, and deleting all deletes one's own alone", async () => {
    const platform = await startTestPlatform({ env: { BUNTIME_ADMIN_KEY: ADMIN_KEY } });
    onTestFinished(() => platform.stop());
    const first = platform.client;
    const as = (apiKey: string): Client => new Client({ url: first.url.origin, apiKey, domain: first.domain });
    const account = { name: "Ada", plan: "free" };
    const second = as((await as(ADMIN_KEY).ask(NewAccount, "POST", "/admin/accounts", account)).key);

    const body = (owner: string) => ({ json: { language: "node", session_id: "shared-id", data: { owner } } });
    expect((await era(first, "POST", "/api/sessions", body("first"))).status).toBe(201);
    for (const [method, path] of [
      ["GET", ""],
      ["DELETE", ""],
      ["GET", "/files"],
      ["GET", "/files/.session_data.json"],
      ["GET", "/code"],
      ["GET", "/host?port=80"],
    ] as const) {
      const answer = await era(second, method, `/api/sessions/shared-id${path}`);
      expect([method, path, answer.status]).toEqual([method, path, 404]);
    }
    expect((await era(second, "GET", "/proxy/shared-id/80/")).status).toBe(404);
    expect((await era(second, "POST", "/api/sessions/shared-id/duplicate", { json: {} })).status).toBe(404);
    expect((await era(second, "GET", "/api/sessions")).json).toMatchObject({ count: 0, total: 0 });

    expect((await era(second, "POST", "/api/sessions", body("second"))).status).toBe(201);
    expect((await era(second, "POST", "/api/sessions", { json: { language: "node" } })).status).toBe(201);
    await second.createSession({ name: "not-eras" });
    expect((await era(first, "GET", "/api/sessions/shared-id")).json.data).toEqual({ owner: "first" });
    const deleted = await era(second, "DELETE", "/api/sessions");
    expect(deleted).toMatchObject({ status: 200, json: { success: true, deleted_count: 2 } });
    expect(deleted.json.deleted_sessions).toContain("shared-id");
    expect((await era(second, "GET", "/api/sessions")).json.count).toBe(0);
    expect((await second.request("GET", "/sessions/not-eras")).status).toBe(200);

    // Each of them is deleted once, whoever comes first.
    const ids = Array.from({ length: 5 }, (_, index) => `many-${index}`);
    for (const session_id of ids) {
      await era(second, "POST", "/api/sessions", { json: { language: "node", session_id } });
    }
    const both = await Promise.all([1, 2].map(() => era(second, "DELETE", "/api/sessions")));
    expect(both.flatMap(({ json }): string[] => json.deleted_sessions).toSorted()).toEqual(ids);
    expect(both.map(({ json }) => json.success)).toEqual([true, true]);
    expect((await era(first, "GET", "/api/sessions/shared-id")).json.data).toEqual({ owner: "first" });

    // The plan of the second account ends at 30 s and a day.
    const slow = { json: { language: "node", session_id: "slow", default_timeout: 31 } };
    expect(await era(second, "POST", "/api/sessions", slow)).toMatchObject({
      status: 400,
      json: { code: "invalid_request" },
    });

    const restricted = async (scopes: string[]): Promise<Client> => {
      const made = await first.request("POST", "/keys", { json: { name: "few", scopes } });
      return as(NewKey.parse(await made.json()).key);
    };
    const reader = await restricted(["sessions:read", "files:read"]);
    expect((await era(reader, "GET", "/api/sessions/shared-id")).json.data).toEqual({ owner: "first" });
    for (const [method, path, json] of [
      ["POST", "/api/sessions/shared-id/run", { code: "1" }],
      ["POST", "/api/sessions/new-id/run", { code: "1" }],
      ["POST", "/api/sessions", { language: "node" }],
      ["PATCH", "/api/sessions/shared-id", { default_timeout: 1 }],
      ["DELETE", "/api/sessions/shared-id", undefined],
      ["DELETE", "/api/sessions", undefined],
      ["POST", "/api/sessions/shared-id/duplicate", {}],
      ["PUT", "/api/sessions/shared-id/code", { code: "1" }],
      ["POST", "/api/execute", { language: "node", code: "1" }],
    ] as const) {
      const answer = await era(reader, method, path, { json });
      expect([method, path, answer]).toMatchObject([method, path, { status: 403, json: { code: "forbidden" } }]);
    }
    // What a run needs, without the right to change the session.
    const runner = await restricted(["sessions:read", "files:read", "files:write", "execute"]);
    const run = await era(runner, "POST", "/api/sessions/shared-id/run", { json: { code: "console.log(1)" } });
    expect(run).toMatchObject({ status: 200, json: { stdout: "1\n" } });
  });
});
