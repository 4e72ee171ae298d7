// A preview as a person meets it: in a real browser, on its own origin.
import { chromium } from "playwright-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, it, onTestFinished } from "vitest";
import { newSession, platformOfRun } from "../support/e2e.ts";

const client = platformOfRun();
let browser: Browser;

beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"],
  });
});
afterAll(async () => {
  await browser.close();
});

/** A page whose errors and console errors fail the test that looks at them. */
async function newPage(): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage();
  onTestFinished(async () => {
    await page.close();
  });
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  return { page, complaints };
}

const APP = `
const page = \`<!doctype html><title>guest book</title><h1>guest book</h1><ul></ul><script>
  const list = document.querySelector("ul");
  const socket = new WebSocket(location.origin.replace("http", "ws") + "/live");
  socket.onmessage = (event) => list.insertAdjacentHTML("beforeend", "<li>" + event.data + "</li>");
  socket.onopen = async () => { await fetch("/api/entries", { method: "POST", body: "first!" }); };
</script>\`;
Bun.serve({
  port: 8080,
  async fetch(request, server) {
    const { pathname } = new URL(request.url);
    if (pathname === "/live") return server.upgrade(request) ? undefined : new Response("no", { status: 400 });
    if (pathname === "/api/entries") {
      server.publish("entries", await request.text());
      return new Response(null, { status: 204 });
    }
    return new Response(page, { headers: { "content-type": "text/html", "set-cookie": "visits=1" } });
  },
  websocket: { open(socket) { socket.subscribe("entries"); }, message() {} },
});`;

describe("A preview in a browser", () => {
  it("shows the page, and its own /api and WebSocket work on its own origin", async ({ expect }) => {
    const session = await newSession(client);
    const answer = await client.execute({ sessionId: session.id, code: APP });
    expect(answer).toMatchObject({ background: true });

    const { page, complaints } = await newPage();
    await page.goto(session.previewUrl);
    await page.getByText("first!").waitFor({ timeout: 10_000 });

    expect(await page.title()).toBe("guest book");
    expect(complaints).toEqual([]);
  });

  it("keeps a session's cookies away from every other session", async ({ expect }) => {
    const [one, other] = await Promise.all([newSession(client), newSession(client)]);
    const echo = `Bun.serve({ port: 8080, fetch: (request) => new Response(request.headers.get("cookie") ?? "none",
      { headers: { "set-cookie": "secret=of-one" } }) })`;
    await Promise.all([one, other].map((session) => client.execute({ sessionId: session.id, code: echo })));

    const { page } = await newPage();
    await page.goto(one.previewUrl);
    await page.goto(one.previewUrl);
    expect(await page.textContent("body")).toBe("secret=of-one");
    await page.goto(other.previewUrl);
    expect(await page.textContent("body")).toBe("none");
  });

  it("says how to start a server while nothing listens", async ({ expect }) => {
    const session = await newSession(client);
    const { page } = await newPage();
    const response = await page.goto(session.previewUrl);
    expect(response?.status()).toBe(502);
    const text = await page.textContent("body");
    expect(text).toContain("8080");
    expect(text).toContain("Bun.serve");
  });
});
