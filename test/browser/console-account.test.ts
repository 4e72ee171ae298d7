// The account in the console: keys that are made, that end and that are used up, and webhooks with what was sent to them.
import { describe, it, onTestFinished } from "vitest";
import { platformOfRun } from "../support/e2e.ts";
import { startTestPlatform } from "../support/platform.ts";
import { until } from "../support/until.ts";
import { startReceiver } from "../support/webhook-receiver.ts";
import { browserOfFile } from "./chromium.ts";
import { openConsole } from "./console.ts";

const client = platformOfRun();
const chromium = browserOfFile();
const REFUSED = /status of 401/;

interface ShortKey {
  readonly key: string;
  /** Resolves when the platform refuses it. */
  readonly ended: () => Promise<unknown>;
}

async function newShortKey(expiresIn: string): Promise<ShortKey> {
  const answer = await client.request("POST", "/keys", { json: { expiresIn } });
  const { key } = (await answer.json()) as { readonly key: string };
  const isRefused = async (): Promise<boolean> =>
    (await client.request("GET", "/sessions", { headers: { authorization: `Bearer ${key}` } })).status === 401;
  return { key, ended: () => until("the key has expired", isRefused, { deadlineMs: 40_000 }) };
}

describe("A key that has expired", () => {
  it("is said at sign-in to be no good, and why that may be", async () => {
    const { key, ended } = await newShortKey("1s");
    await ended();
    const { page } = await openConsole(chromium, client, "", { key: null, expected: REFUSED });
    await page.getByLabel("API key").fill(key);
    await page.keyboard.press("Enter");
    await page
      .getByRole("alert")
      .getByText("This key is not valid: it is mistyped, has expired, or was revoked.")
      .waitFor();
  });

  it("signs out while one works, says why, and lets in with another one at the same page", async () => {
    const { key, ended } = await newShortKey("15s");
    const { page } = await openConsole(chromium, client, "account/limits", { key, expected: REFUSED });
    await page.getByText("is on the plan").waitFor();
    await ended();
    // The page may have noticed by itself.
    await page.evaluate(() => document.querySelector<HTMLElement>("a[href$='/usage']")?.click());
    await page.getByRole("alert").getByText("The key is not valid any more: it has expired or was revoked.").waitFor();
    await page.getByLabel("API key").fill(client.apiKey);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Account" }).waitFor();
  });
});

describe("Keys in the console", () => {
  it("are made for what one chooses, shown once, and refused from their revocation on", async ({ expect }) => {
    const name = `chosen-${Date.now()}`;
    const { page } = await openConsole(chromium, client, "account/keys");
    await page.getByRole("button", { name: "New key" }).click();
    await page.getByLabel(/^Name/).fill(name);
    for (const scope of await page.getByRole("checkbox").all()) await scope.uncheck();
    await page.getByLabel("sessions:read").check();
    await page.getByLabel(/^Expires in/).fill("1h");
    await page.getByRole("button", { name: "Create", exact: true }).click();
    const key = (await page.locator(".secret").textContent()) ?? "";
    const headers = { authorization: `Bearer ${key}` };
    expect((await client.request("GET", "/sessions", { headers })).status).toBe(200);
    expect((await client.request("POST", "/sessions", { headers, json: {} })).status).toBe(403);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    const card = page.getByRole("listitem").filter({ hasText: name });
    await card.getByText("sessions:read").waitFor();
    await card.getByText(/expires in/).waitFor();
    expect(await page.content()).not.toContain(key);
    await card.getByRole("button", { name: `Revoke ${name}` }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await card.waitFor({ state: "detached" });
    expect((await client.request("GET", "/sessions", { headers })).status).toBe(401);
  });

  it("are told to be wrong where they are", async () => {
    const { page } = await openConsole(chromium, client, "account/keys", { expected: /status of 400/ });
    await page.getByRole("button", { name: "New key" }).click();
    await page.getByLabel(/^Expires in/).fill("soon");
    await page.getByRole("button", { name: "Create", exact: true }).click();
    await page.getByRole("dialog").getByRole("alert").waitFor();
  });
});

describe("Webhooks in the console", () => {
  it("show what was delivered and what was not, and send it again", { timeout: 180_000 }, async ({ expect }) => {
    const receiver = await startReceiver();
    onTestFinished(() => receiver.stop());
    const platform = await startTestPlatform({ env: { WEBHOOKS_ALLOW_PRIVATE: "true" } });
    onTestFinished(() => platform.stop(), 60_000);
    const { page } = await openConsole(chromium, platform.client, "account/webhooks");
    const url = `${receiver.url}/hook/console?fail=1`;
    await page.getByRole("button", { name: "New webhook" }).click();
    await page.getByLabel("URL").fill(url);
    await page.getByLabel("session.created").check();
    await page.getByRole("button", { name: "Create", exact: true }).click();
    await page.locator(".secret").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.getByText("Deliveries", { exact: true }).click();
    await page.getByText("Nothing was sent yet").waitFor();

    await platform.client.createSession();
    const row = page.getByRole("row").filter({ hasText: "session.created" });
    // What it shows it asks for anew every 15 seconds; the second attempt comes after five.
    await row.getByText("delivered").waitFor({ timeout: 60_000 });
    expect(receiver.received("console").map(({ status }) => status)).toEqual([500, 204]);
    await row.getByText("204").waitFor();
    await row.getByRole("button", { name: "Send session.created again" }).click();
    await page.getByText("It is sent again").waitFor();
    await until("it has come again", () => receiver.received("console").length === 3, { deadlineMs: 30_000 });
    const ids = receiver.received("console").map(({ headers }) => headers["webhook-id"]);
    expect(new Set(ids).size).toBe(1);
  });
});
