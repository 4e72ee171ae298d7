// Terminals in the console.
import { describe, it } from "vitest";
import { newSession, platformOfRun } from "../support/e2e.ts";
import { until } from "../support/until.ts";
import { browserOfFile } from "./chromium.ts";
import { openConsole, screenOf } from "./console.ts";

const client = platformOfRun();
const chromium = browserOfFile();

async function openTerminal(options = {}) {
  const { id } = await newSession(client);
  const opened = await openConsole(chromium, client, `sessions/${id}/terminal`, options);
  await opened.page.getByRole("button", { name: "Open a terminal" }).click();
  await screenOf(opened.page).getByText("$").first().waitFor();
  return { id, ...opened };
}

describe("A terminal in the console", () => {
  it("is typed into, shows colours, and survives a reload with what it showed", async ({ expect }) => {
    const { page } = await openTerminal();
    await page.keyboard.type("printf '\\e[31mred\\e[38;2;1;2;3mtrue\\e[0m\\n'; echo $((6*7))-answer\n");
    await screenOf(page).getByText("42-answer").waitFor();
    const colorOf = (text: string) =>
      screenOf(page)
        .getByText(text, { exact: true })
        .first()
        .evaluate((element) => getComputedStyle(element).color);
    expect(await colorOf("red")).toBe("rgb(179, 38, 30)");
    expect(await colorOf("true")).toBe("rgb(1, 2, 3)");
    await page.reload();
    await screenOf(page).getByText("42-answer").waitFor();
    await page.locator(".terminal-pane:not([hidden]) .xterm").click();
    await page.keyboard.type("echo still-$((40+2))\n");
    await screenOf(page).getByText("still-42").waitFor();
  });

  it("is one of several, each with what was typed into it, until it is closed", async () => {
    const { page } = await openTerminal();
    await page.keyboard.type("echo in-$((0+1))\n");
    await screenOf(page).getByText("in-1").waitFor();
    await page.getByRole("button", { name: "New terminal" }).click();
    await screenOf(page).getByText("$").first().waitFor();
    await page.keyboard.type("echo in-$((1+1))\n");
    await screenOf(page).getByText("in-2").waitFor();
    await page.getByRole("tab", { name: "terminal 1" }).click();
    await screenOf(page).getByText("in-1").waitFor();
    await page.getByRole("button", { name: "Close this terminal" }).click();
    await screenOf(page).getByText("in-2").waitFor();
    await until("one is left", async () => (await page.getByRole("tab").count()) === 1);
    await page.keyboard.type("exit 3\n");
    await page.getByText("ended with exit code 3").waitFor();
  });

  it("goes on where it was when the connection comes back", async () => {
    const { id, page, context } = await openTerminal({ expected: /ERR_|Failed|WebSocket/ });
    await page.keyboard.type("until [ -e go ]; do sleep 0.1; done; echo went-$((1+1))\n");
    await context.setOffline(true);
    await page.getByText("No connection to the platform").waitFor();
    await client.request("POST", "/files/write", { json: { sessionId: id, path: "go", content: "" } });
    await context.setOffline(false);
    await screenOf(page).getByText("went-2").waitFor();
    await page.keyboard.type("echo typed-$((2+1))\n");
    await screenOf(page).getByText("typed-3").waitFor();
  });
});
