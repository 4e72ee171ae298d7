// Signing in, and the list of sessions, as a person meets them.
import { describe, it, onTestFinished } from "vitest";
import { newSession, platformOfRun } from "../support/e2e.ts";
import { until } from "../support/until.ts";
import { browserOfFile } from "./chromium.ts";
import { openConsole } from "./console.ts";

const client = platformOfRun();
const chromium = browserOfFile();
const REFUSED = /status of 401/;
const CUT = /ERR_INTERNET_DISCONNECTED|Failed to fetch/;

/** A key of the account that can be revoked. */
async function newKey(): Promise<{ readonly id: string; readonly key: string }> {
  const answer = await client.request("POST", "/keys", { json: { scopes: ["sessions:read"] } });
  return (await answer.json()) as { readonly id: string; readonly key: string };
}

describe("Signing in to the console", () => {
  it("says that a key is wrong, and lets in with the right one, which stands in no address", async ({ expect }) => {
    const { page } = await openConsole(chromium, client, "", { key: null, expected: REFUSED });
    await page.getByLabel("API key").fill("btk_wrong");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("This key is not valid").waitFor();
    await page.getByLabel("API key").fill(client.apiKey);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Sessions" }).waitFor();
    expect(page.url()).not.toContain(client.apiKey);
    await page.reload();
    await page.getByRole("heading", { name: "Sessions" }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("API key").waitFor();
    expect(
      await page.evaluate(() => [sessionStorage, localStorage].flatMap((storage) => Object.values(storage)).join(" ")),
    ).not.toContain("btk_");
  });

  it("says so when there is no network", async () => {
    const { page, context } = await openConsole(chromium, client, "", { key: null, expected: CUT });
    await page.getByLabel("API key").fill(client.apiKey);
    await context.setOffline(true);
    await page.keyboard.press("Enter");
    await page.getByText("The platform cannot be reached").waitFor();
  });

  it("ends, and says why, when the key is revoked meanwhile", async () => {
    const { id, key } = await newKey();
    const { page } = await openConsole(chromium, client, "account/limits", { key, expected: /status of 40[13]/ });
    await page.getByRole("heading", { name: "Account" }).waitFor();
    await client.request("DELETE", `/keys/${id}`);
    // The page may have noticed by itself.
    await page.evaluate(() => document.querySelector<HTMLElement>("a[href$='/usage']")?.click());
    await page.getByText("The key is not valid any more").waitFor();
  });
});

describe("The console's list of sessions", () => {
  it("creates one with options, and shows what others create without being asked", async ({ expect }) => {
    const name = `made-${Date.now()}`;
    const { page } = await openConsole(chromium, client);
    await page.getByRole("heading", { name: "Sessions" }).waitFor();
    await page.keyboard.press("n");
    await page.getByLabel(/^Name/).fill(name);
    await page.getByLabel("Time to live").selectOption("1 hour");
    await page.getByLabel("Preview").selectOption({ index: 1 });
    await page.getByLabel(/^Metadata/).fill("team=shop\nnote=a=b");
    await page.getByRole("button", { name: "Create", exact: true }).click();
    await page.getByRole("heading", { name }).waitFor();
    const made = (await (await client.request("GET", `/sessions/${name}`)).json()) as Record<string, unknown>;
    onTestFinished(async () => void (await client.request("DELETE", `/sessions/${name}`)));
    expect(made).toMatchObject({ preview: "private", metadata: { team: "shop", note: "a=b" } });
    expect(page.url()).toMatch(/\/run$/);
    await page.getByRole("link", { name: "Sessions" }).click();
    const other = await newSession(client, { metadata: { made: "elsewhere" } });
    await page.getByRole("link", { name: other.id }).waitFor();
    await page.getByRole("searchbox").fill("made:elsewhere");
    await page.getByRole("link", { name }).waitFor({ state: "detached" });
    await page.getByRole("link", { name: other.id }).waitFor();
    await page.getByLabel("State").selectOption("deep sleep");
    await page.getByText("No session matches").waitFor();
  });

  it("creates one also where it may not be asked about", async ({ expect }) => {
    const name = `unasked-${Date.now()}`;
    const { page } = await openConsole(chromium, client, "", { expected: /status of 403/ });
    await page.route(/\/api\/sessions\/[^/?]+$/, (route) =>
      route.request().method() === "GET"
        ? route.fulfill({ status: 403, json: { error: { code: "forbidden", message: "Not this key." } } })
        : route.fallback(),
    );
    await page.getByRole("button", { name: "New session" }).click();
    await page.getByLabel(/^Name/).fill(name);
    await page.getByRole("button", { name: "Create", exact: true }).click();
    onTestFinished(async () => void (await client.request("DELETE", `/sessions/${name}`)));
    await page.waitForURL(/\/run$/);
    expect(await page.getByRole("dialog").count()).toBe(0);
    // It would ask about it while it is deleted.
    await page.close();
  });

  it("shows what others create also where this machine's clock is ahead", async () => {
    const { page, context } = await openConsole(chromium, client);
    await context.addInitScript(() => {
      const ahead = 10 * 60 * 1000;
      globalThis.Date = class extends Date {
        constructor(...given: []) {
          // SAFETY: without arguments it is now, else what is given.
          super(...((given.length === 0 ? [Date.now()] : given) as []));
        }
        static override now(): number {
          return super.now() + ahead;
        }
      } as DateConstructor;
    });
    await page.reload();
    const before = await newSession(client);
    await page.getByRole("link", { name: before.id }).waitFor();
    const { id } = await newSession(client);
    await page.getByRole("link", { name: id }).waitFor();
    // It would ask about them while they are deleted.
    await page.close();
  });

  it("has room at a phone's width for what the dialog of a new one says", async ({ expect }) => {
    const { page } = await openConsole(chromium, client, "", { viewport: { width: 390, height: 800 } });
    await page.getByRole("button", { name: "New session" }).click();
    await page.getByRole("dialog").waitFor();
    const cut = await page.getByRole("dialog").evaluate((dialog) =>
      [...dialog.querySelectorAll("select")].flatMap((select) =>
        [...select.options].flatMap((option) => {
          const free = document.createElement("select");
          free.append(option.cloneNode(true));
          free.style.width = "max-content";
          select.after(free);
          const [wanted, given] = [free.offsetWidth, select.offsetWidth];
          free.remove();
          return wanted > given ? [`${option.text}: ${wanted} of ${given} px`] : [];
        }),
      ),
    );
    expect(cut).toEqual([]);
  });

  it("is gone through by keys alone", async ({ expect }) => {
    const tag = `keys-${Date.now()}`;
    const older = await newSession(client, { metadata: { tag } });
    const newer = await newSession(client, { metadata: { tag } });
    const { page } = await openConsole(chromium, client);
    await page.getByRole("link", { name: newer.id }).waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type(tag);
    await page.keyboard.press("Escape");
    await until("two are left", async () => (await page.getByRole("listitem").count()) === 2);
    await page.keyboard.press("j");
    await page.locator(".selected").getByText(older.id).waitFor();
    await page.keyboard.press("k");
    await page.locator(".selected").getByText(newer.id).waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).getByText("next session").waitFor();
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: newer.id }).waitFor();
    expect(new URL(page.url()).pathname).toBe(`/console/sessions/${newer.id}`);
  });

  it("deletes with a way back, and for good when it is not taken", async ({ expect }) => {
    const { id } = await newSession(client);
    const { page } = await openConsole(chromium, client);
    await page.getByRole("button", { name: `Delete ${id}` }).click();
    await page.getByRole("link", { name: id }).waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByRole("link", { name: id }).waitFor();
    expect((await client.request("GET", `/sessions/${id}`)).status).toBe(200);
    await page.getByRole("button", { name: `Delete ${id}` }).click();
    await until("it is deleted", async () => (await client.request("GET", `/sessions/${id}`)).status === 404, {
      deadlineMs: 20_000,
    });
  });

  it("says that the connection is lost, and is itself again when it is back", async () => {
    const { page, context } = await openConsole(chromium, client, "", { expected: /ERR_|Failed/ });
    await page.getByRole("heading", { name: "Sessions" }).waitFor();
    await context.setOffline(true);
    await page.getByText("No connection to the platform").waitFor();
    const { id } = await newSession(client);
    await context.setOffline(false);
    await page.getByText("No connection to the platform").waitFor({ state: "detached" });
    await page.getByRole("link", { name: id }).waitFor();
  });
});
