// From an empty deployment to a second user, as README tells it, and what is left of it after a restart.
import { onTestFinished, expect, test } from "vitest";
import { NewAccount } from "../../src/contract/account.ts";
import { Client, ON_DOCKER } from "../support/e2e.ts";
import { startTestPlatform } from "../support/platform.ts";
import type { TestPlatform } from "../support/platform.ts";
import { until } from "../support/until.ts";

const ADMIN_KEY = "admin_end2end_00000000000000000";

const clientOf = ({ client }: TestPlatform, apiKey: string): Client =>
  new Client({ url: client.url.origin, apiKey, domain: client.domain });

// The embedded engine alone: accounts are the Worker's business.
test.skipIf(ON_DOCKER)(
  "an operator makes a second user, who works, is apart from the first, and is still there after a restart",
  async () => {
    const first = await startTestPlatform({ env: { BUNTIME_ADMIN_KEY: ADMIN_KEY } });
    onTestFinished(() => first.stop());
    const answer = await clientOf(first, ADMIN_KEY).request("POST", "/admin/accounts", {
      json: { name: "Ada", plan: "paid" },
    });
    expect(answer.status).toBe(201);
    const ada = NewAccount.parse(await answer.json());
    const her = clientOf(first, ada.key);
    const session = await her.createSession({ name: "hers" });
    const run = await her.execute({ sessionId: "hers", command: "echo kept > file; echo hello" });
    expect(run.stdout).toBe("hello\n");
    expect((await first.client.request("GET", `/sessions/${session.id}`)).status).toBe(404);
    expect((await first.client.request("GET", "/sessions/hers")).status).toBe(404);

    await first.end("SIGTERM");
    const second = await startTestPlatform({ dataDir: first.dataDir, env: { BUNTIME_ADMIN_KEY: ADMIN_KEY } });
    onTestFinished(() => second.stop());
    const again = clientOf(second, ada.key);
    const read = await again.request("GET", `/files/read?sessionId=hers&path=file`);
    expect(await read.json()).toMatchObject({ content: "kept\n" });
    expect((await again.request("GET", "/admin/accounts")).status).toBe(401);
    const operator = clientOf(second, ADMIN_KEY);
    expect((await operator.request("DELETE", `/admin/accounts/${ada.id}`)).status).toBe(200);
    await until("her account is gone", async () => {
      return (await operator.request("GET", `/admin/accounts/${ada.id}`)).status === 404;
    });
    expect((await again.request("GET", "/sessions")).status).toBe(401);
    expect((await again.preview(session.id, "/")).statusCode).toBe(404);
  },
);
