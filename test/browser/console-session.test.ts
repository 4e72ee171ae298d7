// What else a session's pages do: its life, its preview, its processes and services, its snapshots; and the account.
import { describe, it, onTestFinished } from "vitest";
import type { Session } from "../../src/contract/session.ts";
import { newSession, platformOfRun } from "../support/e2e.ts";
import { until } from "../support/until.ts";
import { browserOfFile } from "./chromium.ts";
import { openConsole } from "./console.ts";

const client = platformOfRun();
const chromium = browserOfFile();
const NOT_THERE = /status of (?:401|404|502)/;

async function openTab(tab: string, body: Parameters<typeof newSession>[1] = {}, expected = NOT_THERE) {
  const session = await newSession(client, body);
  return { id: session.id, ...(await openConsole(chromium, client, `sessions/${session.id}${tab}`, { expected })) };
}

describe("A session in the console", () => {
  it("goes to sleep, is read while it sleeps, and wakes", async () => {
    const { id, page } = await openTab("");
    await client.request("POST", "/files/write", { json: { sessionId: id, path: "kept.txt", content: "kept" } });
    await page.getByRole("button", { name: "Sleep now" }).click();
    await page.locator(".page-head").getByText("deep sleep").waitFor();
    await page
      .getByRole("list", { name: /What happened/ })
      .getByText("saved to sleep")
      .waitFor();
    await page.getByRole("link", { name: "files", exact: true }).click();
    await page.getByText("kept.txt").first().waitFor();
    await page.getByRole("link", { name: "processes", exact: true }).click();
    await page.getByText("The session sleeps").waitFor();
    await page.locator(".page-head").getByText("deep sleep").waitFor();
    await page.getByRole("button", { name: "Wake", exact: true }).click();
    await page.locator(".page-head").getByText("active").waitFor();
    await page.getByRole("link", { name: "overview", exact: true }).click();
    await page.getByText("woken from deep sleep").waitFor();
  });

  it("shows a private preview in a frame of another origin that cannot reach the console", async ({ expect }) => {
    const { page, origin } = await openTab("/preview", { preview: "private" });
    await page.getByText("Nothing listens on port 8080").waitFor();
    await page.getByRole("button", { name: "Run this one" }).click();
    await page.frameLocator("iframe").getByText("Hello from buntime").waitFor();
    const frame = page.frames().find((each) => each !== page.mainFrame());
    expect(new URL(frame?.url() ?? origin).origin).not.toBe(origin);
    expect(await page.locator("iframe").getAttribute("sandbox")).not.toContain("allow-top-navigation");
    expect(
      await frame?.evaluate(() => {
        try {
          return parent.document.title;
        } catch (error) {
          return (error as Error).name;
        }
      }),
    ).toBe("SecurityError");
    await page.getByText("Requests").click();
    await page
      .getByRole("cell", { name: /GET \// })
      .first()
      .waitFor();
    await page.getByLabel("Path within the preview").fill("https://example.com/");
    await page.getByRole("button", { name: "Reload" }).click();
    await page.getByText("not within this preview").waitFor();
    await page.getByLabel("Port").fill("3000");
    await page.keyboard.press("Tab");
    await page.getByText("Nothing listens on port 3000").waitFor();
  });

  it("that is idle is extended without being woken, woken, and put to sleep", async ({ expect }) => {
    const { id, page } = await openTab("", { idleAfter: "1s", ttl: 3600 });
    await client.execute({ sessionId: id, command: "true" });
    const state = (text: string) => page.locator(".page-head").getByText(text, { exact: true });
    const expiresAt = async (): Promise<number> => {
      const answer = await client.request("GET", `/sessions/${id}`);
      return Date.parse(((await answer.json()) as { expiresAt: string }).expiresAt);
    };
    await state("idle").waitFor({ timeout: 40_000 });
    const before = await expiresAt();
    await page.getByRole("button", { name: "Extend" }).click();
    await page.getByText("It is gone in").waitFor();
    expect(await expiresAt()).toBeGreaterThan(before);
    await page.getByRole("button", { name: "Extend" }).click();
    await state("idle").waitFor();
    await page.getByRole("button", { name: "Wake", exact: true }).click();
    await page.getByText("woken").first().waitFor();
    await state("idle").waitFor({ timeout: 40_000 });
    await page.getByRole("button", { name: "Sleep now" }).click();
    await state("deep sleep").waitFor({ timeout: 40_000 });
  });

  it("shows what runs with its log, and ends it; adds a service and removes it", async () => {
    const { id, page } = await openTab("/processes");
    await client.execute({
      sessionId: id,
      code: `console.log("at work"); Bun.serve({ port: 9000, fetch: () => new Response() })`,
    });
    const row = page.getByRole("row").filter({ hasText: "9000" });
    await row.getByRole("button", { name: /^Log/ }).click();
    await page.getByRole("log").getByText("at work").waitFor();
    await row.getByRole("button", { name: /^Kill/ }).click();
    await row.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Add a service" }).click();
    await page.getByLabel(/^Name/).fill("ticker");
    await page.getByLabel(/^Command/).fill("while true; do echo tick; sleep 1; done");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    const service = page.getByRole("listitem").filter({ hasText: "ticker" });
    await service.getByText("running").waitFor();
    await service.getByRole("button", { name: "Remove ticker" }).click();
    await service.waitFor({ state: "detached" });
  });

  it("adds and removes services beside those that others have set since it looked", async ({ expect }) => {
    const { id, page } = await openTab("/processes");
    const names = async () => {
      const answer = await client.request("GET", `/sessions/${id}`);
      return ((await answer.json()) as Session).services.map(({ name }) => name).toSorted();
    };
    const service = (name: string) => ({ name, command: "exec sleep 1000" });
    const set = (...of: string[]) =>
      client.request("PATCH", `/sessions/${id}`, { json: { services: of.map(service) } });
    await page.getByRole("button", { name: "Add a service" }).click();
    await page.getByLabel(/^Name/).fill("here");
    await page.getByLabel(/^Command/).fill("exec sleep 1000");
    await set("elsewhere");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await names()).toEqual(["elsewhere", "here"]);
    await page.getByRole("button", { name: "Remove here" }).waitFor();
    await set("elsewhere", "here", "later");
    await page.getByRole("button", { name: "Remove here" }).click();
    await page.getByRole("button", { name: "Remove here" }).waitFor({ state: "detached" });
    expect(await names()).toEqual(["elsewhere", "later"]);
  });

  it("forks also where it may not ask about the new one", async () => {
    const { id, page } = await openTab("/snapshots", {}, /status of 40[34]/);
    await client.request("POST", `/sessions/${id}/snapshots`, { json: { label: "asked" } });
    await page.reload();
    await page.route(/\/api\/sessions\/[^/?]+$/, (route) =>
      route.request().method() === "GET" && !route.request().url().endsWith(id)
        ? route.fulfill({ status: 403, json: { error: { code: "forbidden", message: "Not this key." } } })
        : route.fallback(),
    );
    await page.getByRole("button", { name: "Fork asked" }).click();
    await page.getByText("Forked").waitFor();
    await page.waitForURL((url) => url.pathname.includes("/sessions/ses_") && !url.pathname.includes(id));
    const forked = /sessions\/(ses_\w+)/.exec(page.url())?.[1] ?? "";
    onTestFinished(async () => void (await client.request("DELETE", `/sessions/${forked}`)));
  });

  it("takes a snapshot, shows what has changed since, restores it, takes that back, and forks it", async ({
    expect,
  }) => {
    const { id, page } = await openTab("/snapshots");
    const write = (content: string) =>
      client.request("POST", "/files/write", { json: { sessionId: id, path: "note.txt", content } });
    const read = async () => (await client.request("GET", `/sessions/${id}/files/note.txt`)).text();
    await write("first");
    await page.getByLabel("Label").fill("the first");
    await page.getByRole("button", { name: "Take a snapshot" }).click();
    await page.getByRole("listitem").filter({ hasText: "the first" }).waitFor();
    await write("second");
    await page.getByRole("button", { name: "Take a snapshot" }).click();
    await page.getByRole("listitem").filter({ hasText: "asked for" }).waitFor();
    await page.getByRole("button", { name: "Changes since the first" }).click();
    await page.getByRole("list", { name: "Changes" }).getByText("note.txt").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Restore the first" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Restore" }).click();
    await page.getByText("Its files are as they were then").waitFor();
    expect(await read()).toBe("first");
    await page.getByRole("button", { name: "Undo" }).click();
    await until("it is as before", async () => (await read()) === "second");
    await page.getByRole("button", { name: "Fork the first" }).click();
    await page.getByText("Forked").waitFor();
    const forked = /sessions\/(ses_\w+)/.exec(page.url())?.[1] ?? "";
    onTestFinished(async () => void (await client.request("DELETE", `/sessions/${forked}`)));
    expect(forked).not.toBe(id);
    expect(await (await client.request("GET", `/sessions/${forked}/files/note.txt`)).text()).toBe("first");
  });

  it("is no higher than the window, in which its pages scroll", async ({ expect }) => {
    const { page } = await openTab("/overview");
    await page.setViewportSize({ width: 390, height: 600 });
    await page.getByRole("heading", { level: 2 }).first().waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollHeight)).toBe(600);
  });

  it("that is not there is said to be gone", async () => {
    const { page } = await openConsole(chromium, client, "sessions/ses_00000000000000000000", { expected: NOT_THERE });
    await page.getByText("There is no session").waitFor();
  });
});

describe("The account in the console", () => {
  it("makes a key that is shown once, and revokes it; makes a webhook and deletes it", async ({ expect }) => {
    const name = `of-the-console-${Date.now()}`;
    const { page } = await openConsole(chromium, client, "account/keys");
    await page.getByRole("button", { name: "New key" }).click();
    await page.getByLabel(/^Name/).fill(name);
    await page.getByRole("button", { name: "Create", exact: true }).click();
    await page.locator(".secret").waitFor();
    expect(await page.locator(".secret").textContent()).toMatch(/^btk_/);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: `Revoke ${name}` }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await page.getByText(name).first().waitFor({ state: "detached" });
    await page.getByRole("link", { name: "webhooks" }).click();
    await page.getByRole("button", { name: "New webhook" }).click();
    await page.getByLabel(/^(?:URL|Address)/).fill(`https://example.com/${name}`);
    await page.getByRole("button", { name: "Create", exact: true }).click();
    await page.locator(".secret").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: `Delete https://example.com/${name}` }).click();
    await page.getByText(`https://example.com/${name}`).first().waitFor({ state: "detached" });
  });
});
