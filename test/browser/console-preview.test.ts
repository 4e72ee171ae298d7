// What the servers of a session show, in the console.
import { describe, it } from "vitest";
import { newSession, platformOfRun } from "../support/e2e.ts";
import { browserOfFile } from "./chromium.ts";
import { openConsole } from "./console.ts";

const client = platformOfRun();
const chromium = browserOfFile();
const NOT_THERE = /status of (?:401|404|502)/;

const SERVERS = `for (const port of [3000, 4321]) Bun.serve({ port, fetch: ({ url }) =>
  new Response(\`This is \${port} at \${new URL(url).pathname}\`, { headers: { "content-type": "text/html" } }) });`;

async function openPreview(preview: "public" | "private") {
  const { id } = await newSession(client, { preview });
  await client.execute({ sessionId: id, code: SERVERS });
  return openConsole(chromium, client, `sessions/${id}/preview`, { expected: NOT_THERE });
}

describe.each(["public", "private"] as const)("A %s preview in the console", (preview) => {
  it("is of the port that one chooses among several servers, also in a tab of its own", async ({ expect }) => {
    const { page, context } = await openPreview(preview);
    // Nothing listens on the usual port, so that one of those that are there is offered.
    await page.getByRole("button", { name: "Port 4321" }).click();
    await page.getByText("A server listens on port 4321").waitFor();
    await page.getByRole("button", { name: "Show it" }).click();
    const frame = page.frameLocator("iframe");
    await frame.getByText("This is 4321 at /").waitFor();

    await page.getByLabel("Port").fill("3000");
    await page.keyboard.press("Tab");
    await page.getByLabel("Path within the preview").fill("/deep/er");
    await page.keyboard.press("Enter");
    await frame.getByText("This is 3000 at /deep/er").waitFor();

    const opened = context.waitForEvent("page");
    await page.getByRole("button", { name: "Open in a tab" }).click();
    const tab = await opened;
    await tab.getByText("This is 3000 at /deep/er").waitFor();
    expect(await tab.evaluate(() => window.opener === null)).toBe(true);
    // A token in an address would be in histories and logs.
    expect(tab.url()).not.toContain("token");
  });
});
