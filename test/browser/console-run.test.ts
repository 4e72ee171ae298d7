// Code that is run from the console.
import { describe, it } from "vitest";
import { newSession, platformOfRun } from "../support/e2e.ts";
import { browserOfFile } from "./chromium.ts";
import { fillEditor, openConsole } from "./console.ts";

const client = platformOfRun();
const chromium = browserOfFile();

async function openRun(options = {}) {
  const { id } = await newSession(client);
  const opened = await openConsole(chromium, client, `sessions/${id}/run`, options);
  await opened.page.getByRole("textbox", { name: "TypeScript" }).waitFor();
  return { id, ...opened, output: opened.page.getByRole("log", { name: "Output" }) };
}

describe("Running code in the console", () => {
  it("streams its output in colours, before it ends, and keeps it in the history to run again", async ({ expect }) => {
    const { id, page, output } = await openRun();
    await fillEditor(
      page,
      "TypeScript",
      `console.log("\\x1b[31mred\\x1b[0m first"); while (!(await Bun.file("go").exists())) await Bun.sleep(20); console.log("second");`,
    );
    await page.keyboard.press("Control+Enter");
    const red = output.getByText("red", { exact: true });
    await red.waitFor();
    await page.getByText("running…", { exact: true }).waitFor();
    const [color, plain] = await Promise.all(
      [red, output.getByText("first")].map((piece) => piece.evaluate((element) => getComputedStyle(element).color)),
    );
    expect(color).toBe("rgb(179, 38, 30)");
    expect(plain).not.toBe(color);
    await client.request("POST", "/files/write", { json: { sessionId: id, path: "go", content: "" } });
    await output.getByText("second").waitFor();
    await page.locator(".run-output").getByText("exit code 0").waitFor();
    await page.getByRole("button", { name: "Run again" }).first().click();
    await page.getByRole("listitem").nth(1).waitFor();
  });

  it("follows much output to its last line, until one scrolls up", async () => {
    const { page, output } = await openRun();
    await fillEditor(page, "TypeScript", `for (let at = 1; at <= 100000; at++) console.log("line", at);`);
    await page.keyboard.press("Control+Enter");
    await output.getByText("line 100000", { exact: true }).waitFor();
    await output.press("Home");
    await output.getByText("line 1", { exact: true }).waitFor();
    await page.getByRole("button", { name: "to the end" }).click();
    await output.getByText("line 100000", { exact: true }).waitFor();
  });

  it("leads from an error to its line", async ({ expect }) => {
    const { page, output } = await openRun();
    await fillEditor(page, "TypeScript", "const one = 1;\nconst two = 2;\nthrow new Error(`wrong ${one + two}`);\n");
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await output.getByText("wrong 3").first().waitFor();
    await output
      .getByRole("button", { name: /^line 3:/ })
      .first()
      .click();
    await page.locator(".cm-activeLine", { hasText: "throw new Error" }).waitFor();
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("TypeScript");
  });

  it("picks a running one up after a reload and a lost connection, and kills it", async () => {
    const { id, page, context, output } = await openRun({ expected: /ERR_|Failed/ });
    await fillEditor(
      page,
      "TypeScript",
      `for (let at = 1; ; at++) { console.log("tick", at); while (!(await Bun.file("go" + at).exists())) await Bun.sleep(20); }`,
    );
    const go = (at: number) =>
      client.request("POST", "/files/write", { json: { sessionId: id, path: `go${at}`, content: "" } });
    await page.keyboard.press("Control+Enter");
    await output.getByText("tick 1").waitFor();
    await page.getByText("running…", { exact: true }).waitFor();
    await context.setOffline(true);
    await page.getByText("No connection to the platform").waitFor();
    await go(1);
    await context.setOffline(false);
    await output.getByText("tick 2").waitFor();
    await page.reload();
    await output.getByText("tick 2").waitFor();
    await go(2);
    await output.getByText("tick 3").waitFor();
    await page.getByRole("button", { name: "Kill" }).click();
    await page
      .locator(".run-output")
      .getByText(/^killed/)
      .waitFor();
  });

  it("shows hostile output, metadata and names as the text that they are", async ({ expect }) => {
    const attack = `<img src=x onerror="globalThis.broken = true"><script>globalThis.broken = true</script>`;
    const { id } = await newSession(client, { metadata: { [attack]: attack } });
    await client.request("POST", "/files/write", {
      json: { sessionId: id, path: `${attack.replaceAll("/", "_")}.txt`, content: attack },
    });
    await client.execute({
      sessionId: id,
      code: `console.log(${JSON.stringify(`\u001b]8;;javascript:alert(1)\u0007${attack}`)})`,
    });
    const { page } = await openConsole(chromium, client, `sessions/${id}`);
    await page.locator(".metadata").getByText("onerror").waitFor();
    await page.getByRole("link", { name: "run", exact: true }).click();
    await page.getByRole("button", { name: "Log", exact: true }).first().click();
    await page.getByRole("log", { name: "What it printed" }).getByText("<script>globalThis").waitFor();
    await page.getByRole("link", { name: "files", exact: true }).click();
    await page.getByText("onerror").first().waitFor();
    await page.getByRole("link", { name: "Sessions" }).click();
    await page.getByRole("link", { name: id }).waitFor();
    expect(await page.evaluate(() => [Reflect.get(globalThis, "broken"), document.images.length])).toEqual([
      undefined,
      0,
    ]);
  });
});
