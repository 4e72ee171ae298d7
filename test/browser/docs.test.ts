// The API reference as a person meets it: it works, and says nothing to anybody else.
import { chromium } from "playwright-core";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, it, onTestFinished } from "vitest";
import { EXAMPLES } from "../../src/contract/examples.ts";
import { platformOfRun } from "../support/e2e.ts";

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

describe("The API reference", { timeout: 180_000 }, () => {
  it("shows every operation, tries one out, and asks no other host for anything", async ({ expect }) => {
    const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
    onTestFinished(async () => {
      await page.close();
    });
    // It is megabytes of script; the test's own time-out ends what hangs.
    page.setDefaultTimeout(0);
    const origin = new URL(client.url).origin;
    const elsewhere: string[] = [];
    const complaints: string[] = [];
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.origin !== origin && url.protocol !== "data:" && url.protocol !== "blob:") elsewhere.push(url.href);
    });
    page.on("websocket", (socket) => elsewhere.push(socket.url()));
    page.on("pageerror", (error) => complaints.push(error.message));
    // A violation of the content security policy is an error of the console.
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });

    await page.goto(new URL("/docs#tag/execute/POST/execute", client.url).href);
    await page.getByRole("heading", { name: "Run code or a command" }).waitFor();
    for (const tag of ["Sessions", "Execute", "Files", "Snapshots", "Previews", "Events", "Account"]) {
      await page.getByText(tag, { exact: true }).filter({ visible: true }).first().waitFor();
    }
    await page.getByText(`"${EXAMPLES.execute.answer.executionId}"`).filter({ visible: true }).first().waitFor();

    await page
      .getByRole("button", { name: /Test Request/ })
      .first()
      .click();
    await page.getByRole("dialog").getByRole("button", { name: /Send/ }).first().click();
    await page.getByText("401 Unauthorized").first().waitFor();

    expect(elsewhere).toEqual([]);
    expect(complaints.filter((text) => !text.includes("401"))).toEqual([]);
  });

  it("is not what a preview shows under the same path", async ({ expect }) => {
    const { id } = await client.createSession();
    onTestFinished(async () => {
      await client.request("DELETE", `/sessions/${id}`);
    });
    await client.execute({
      sessionId: id,
      code: "Bun.serve({ port: 8080, fetch: (request) => new Response(`mine: ${new URL(request.url).pathname}`) })",
    });
    const answer = await client.preview(id, "/docs/index.html");
    expect(Buffer.concat(await answer.toArray()).toString()).toBe("mine: /docs/index.html");
  });
});
