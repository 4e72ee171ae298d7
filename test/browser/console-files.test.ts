// The files of a session, as a person works with them in the console.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Locator, Page } from "playwright-core";
import { describe, it } from "vitest";
import { newSession, platformOfRun } from "../support/e2e.ts";
import { until } from "../support/until.ts";
import { browserOfFile } from "./chromium.ts";
import { openConsole } from "./console.ts";
import type { OpenOptions } from "./console.ts";

const client = platformOfRun();
const chromium = browserOfFile();
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface OpenFiles {
  readonly id: string;
  readonly page: Page;
}

/** A session with these files, and the tab that shows them. */
async function openFiles(files: Readonly<Record<string, string>>, options: OpenOptions = {}): Promise<OpenFiles> {
  const { id } = await newSession(client);
  const all = Object.entries(files).map(([path, content]) => ({ path, content }));
  if (all.length > 0) await client.request("POST", "/files/write", { json: { sessionId: id, files: all } });
  const { page } = await openConsole(chromium, client, `sessions/${id}/files`, options);
  return { id, page };
}

function row(page: Page, name: string): Locator {
  return page.getByRole("treeitem").filter({ has: page.getByText(name, { exact: true }) });
}

function editor(page: Page, path: string): Locator {
  return page.getByRole("textbox", { name: path, exact: true });
}

async function type(page: Page, path: string, text: string): Promise<void> {
  await editor(page, path).click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type(text);
}

/** Of a file of the session; null: there is none. */
async function content(id: string, path: string): Promise<string | null> {
  const answer = await client.request("GET", `/sessions/${id}/files/${encodeURIComponent(path)}`);
  const text = await answer.text();
  return answer.ok ? text : null;
}

async function violations(page: Page): Promise<readonly string[]> {
  // Into the page itself, past its policy, which allows no script of this kind.
  const found = await page.evaluate(`${AXE};axe.run(document)`);
  // SAFETY: what axe.run answers.
  return (found as AxeResults).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

describe("The files of a session in the console", () => {
  it("are edited and saved by keys alone, line breaks and all", async ({ expect }) => {
    const { id, page } = await openFiles({ "src/a.ts": "one\r\n", "src/b.ts": "", "z.md": "" });
    await row(page, "src").waitFor();
    await page.getByRole("tree").focus();
    await page.keyboard.type("sr");
    await page.keyboard.press("ArrowRight");
    await row(page, "a.ts").waitFor();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await type(page, "src/a.ts", "two");
    await page.getByText("● not saved").waitFor();
    await page.keyboard.press("Control+s");
    await page.getByText("● not saved").waitFor({ state: "detached" });
    expect(await content(id, "src/a.ts")).toBe("one\r\ntwo");
    expect(await violations(page)).toEqual([]);
  });

  it("that somebody else has changed meanwhile are overwritten only when one says so", async ({ expect }) => {
    const { id, page } = await openFiles({ "a.txt": "first" }, { expected: /412/ });
    await row(page, "a.txt").click();
    await type(page, "a.txt", " mine");
    await client.request("PUT", `/sessions/${id}/files/a.txt`, { body: "theirs" });
    await page.keyboard.press("Control+s");
    await page.getByRole("alert").getByText("changed or deleted by somebody else").waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole("button", { name: "Keep editing" }).click();
    await type(page, "a.txt", " still");
    expect(await content(id, "a.txt")).toBe("theirs");

    await page.keyboard.press("Control+s");
    await page.getByRole("button", { name: "Load theirs, drop mine" }).click();
    await editor(page, "a.txt").getByText("theirs").waitFor();

    await type(page, "a.txt", " and mine");
    await client.request("PUT", `/sessions/${id}/files/a.txt`, { body: "theirs again" });
    await page.keyboard.press("Control+s");
    await page.getByRole("button", { name: "Overwrite with mine" }).click();
    await page.getByText("● not saved").waitFor({ state: "detached" });
    expect(await content(id, "a.txt")).toBe("theirs and mine");
  });

  it("keep what is not saved while one looks elsewhere, and leaving asks", async ({ expect }) => {
    const { page } = await openFiles({ "a.txt": "a", "b.txt": "b" });
    await row(page, "a.txt").click();
    await type(page, "a.txt", " changed");
    await row(page, "b.txt").click();
    await editor(page, "b.txt").waitFor();
    await page.getByRole("link", { name: "Overview" }).click();
    await page.getByRole("link", { name: "Files" }).click();
    await page.getByRole("button", { name: "a.txt", exact: true }).click();
    await editor(page, "a.txt").getByText("a changed").waitFor();

    const asked = page.waitForEvent("dialog");
    const left = page.reload();
    const dialog = await asked;
    expect(dialog.type()).toBe("beforeunload");
    await dialog.accept();
    await left;
    // The open file is the same after a reload.
    await editor(page, "a.txt").waitFor();
  });

  it("are shown by their names and never as markup, whatever they are called", async ({ expect }) => {
    const hostile = "<img src=x onerror=\"document.title='hacked'\">.txt";
    const names = [hostile, "line\nbreak.txt", "100% #1? &amp; yes.txt", "\u202etxt.exe", " .txt"];
    const { page } = await openFiles(Object.fromEntries(names.map((name) => [name, `in ${name.length}`])));
    const shown = [hostile, String.raw`line\nbreak.txt`, "100% #1? &amp; yes.txt", String.raw`\u202etxt.exe`];
    for (const [index, name] of shown.entries()) {
      await row(page, name).click();
      await editor(page, name)
        .getByText(`in ${names[index]?.length ?? ""}`)
        .waitFor();
    }
    expect(await page.title()).not.toBe("hacked");
    expect(await page.locator(".files img").count()).toBe(0);
  });

  it("are made, renamed and deleted, and what is not saved follows its file", async ({ expect }) => {
    const { id, page } = await openFiles({});
    await page.getByText("The workspace is empty").waitFor();
    await page.getByRole("button", { name: "New file" }).click();
    await page.locator("dialog input:focus").waitFor();
    await page.keyboard.type("../out.ts");
    await page.keyboard.press("Enter");
    await page.getByText("A name cannot be . or ..").waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByLabel("Path in the workspace").fill("src/new.ts");
    await page.keyboard.press("Enter");
    await type(page, "src/new.ts", "kept");

    await page.getByRole("button", { name: "Rename" }).click();
    await page.locator("dialog input:focus").waitFor();
    await page.keyboard.type("other.ts");
    await page.keyboard.press("Enter");
    await editor(page, "src/other.ts").getByText("kept").waitFor();
    await page.getByRole("button", { name: "Save" }).click();
    await until("it is saved", async () => (await content(id, "src/other.ts")) === "kept");

    await page.getByRole("tree").focus();
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("Delete");
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("The workspace is empty").waitFor();
    expect(await content(id, "src/other.ts")).toBeNull();
  });

  it("are uploaded by dropping them on a folder, and replaced only when one says so", async ({ expect }) => {
    const { id, page } = await openFiles({ "in/there.txt": "old" }, { expected: /412/ });
    const transfer = await page.evaluateHandle(() => {
      const data = new DataTransfer();
      for (const name of ["there.txt", "new 100%.txt"]) data.items.add(new File([`dropped ${name}`], name));
      return data;
    });
    await row(page, "in").dispatchEvent("drop", { dataTransfer: transfer });
    await page.getByText("1 of 2 uploaded").waitFor();
    expect(await content(id, "in/there.txt")).toBe("old");
    expect(await content(id, "in/new 100%.txt")).toBe("dropped new 100%.txt");
    await page.getByRole("button", { name: "Replace: in/there.txt" }).click();
    await page.getByText("2 of 2 uploaded").waitFor();
    expect(await content(id, "in/there.txt")).toBe("dropped there.txt");
  });

  it("that could not be uploaded for want of a connection are tried again", async ({ expect }) => {
    const { id, page } = await openFiles({ a: "" }, { expected: /Failed to load resource/ });
    await row(page, "a").waitFor();
    await page.route("**/files/late.txt", (route) => route.abort("internetdisconnected"));
    const chooser = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: "Upload", exact: true }).click();
    await (await chooser).setFiles([{ name: "late.txt", mimeType: "text/plain", buffer: Buffer.from("late") }]);
    await page.getByText("The connection to the platform was lost.").waitFor();
    await page.unroute("**/files/late.txt");
    await page.getByRole("button", { name: "Try again: late.txt" }).click();
    await page.getByText("1 of 1 uploaded").waitFor();
    expect(await content(id, "late.txt")).toBe("late");
  });

  it("that were on their way up when the page was loaded anew are told, and nothing half is left", async ({
    expect,
  }) => {
    const { id, page } = await openFiles({ a: "" }, { expected: /Failed to load resource/ });
    await row(page, "a").waitFor();
    // What has begun to be sent does not come to its end before the page is left.
    const network = await page.context().newCDPSession(page);
    await network.send("Network.enable");
    await network.send("Network.emulateNetworkConditions", {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: 20_000,
    });
    const upload = async (size: number): Promise<void> => {
      const chooser = page.waitForEvent("filechooser");
      await page.getByRole("button", { name: "Upload", exact: true }).click();
      const buffer = Buffer.alloc(size, "x");
      await (await chooser).setFiles([{ name: "large.bin", mimeType: "application/octet-stream", buffer }]);
    };
    await upload(4_000_000);
    await page.getByRole("button", { name: "Cancel: large.bin" }).waitFor();
    page.on("dialog", (dialog) => void dialog.accept());
    await page.reload();
    await page.getByText("Not uploaded, since the page was left: large.bin").waitFor();
    expect(await content(id, "large.bin")).toBeNull();
    const left = async (): Promise<string> =>
      (await client.execute({ sessionId: id, command: "find . -path ./.buntime -prune -o -type f -print" })).stdout;
    await until("nothing half is left", async () => (await left()) === "./a\n", { deadlineMs: 30_000 });

    await network.send("Network.emulateNetworkConditions", {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: -1,
    });
    await upload(4_000_000);
    await page.getByText("1 of 1 uploaded").waitFor();
    await page.getByText("Not uploaded, since the page was left").waitFor({ state: "detached" });
    expect((await content(id, "large.bin"))?.length).toBe(4_000_000);
  });

  it("are found by what is in them, and open at the line", async ({ expect }) => {
    const lines = Array.from({ length: 300 }, (_, index) => (index === 250 ? "the needle" : `line ${index}`));
    const { page } = await openFiles({ "deep/hay.txt": lines.join("\n") });
    await page.getByRole("searchbox").fill("needle");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "deep/hay.txt:251" }).click();
    await editor(page, "deep/hay.txt").getByText("the needle").waitFor();
    expect(await page.locator(".cm-activeLine").textContent()).toBe("the needle");
    expect(await violations(page)).toEqual([]);
  });

  it("can be read while the session sleeps, and written when it is woken", async ({ expect }) => {
    const { id, page } = await openFiles({ "a.txt": "asleep", "src/b.txt": "deep" });
    await row(page, "a.txt").waitFor();
    await client.request("POST", `/sessions/${id}/sleep`);
    await page.getByText("The session sleeps.").waitFor({ timeout: 30_000 });
    await page.getByRole("button", { name: "Refresh" }).click();
    await row(page, "src").click();
    await row(page, "b.txt").click();
    await editor(page, "src/b.txt").getByText("deep").waitFor();
    await editor(page, "src/b.txt").click();
    await page.keyboard.type("not written");
    expect(await page.getByText("● not saved").count()).toBe(0);
    expect(await page.getByRole("button", { name: "New file" }).isDisabled()).toBe(true);
    expect(await violations(page)).toEqual([]);
    const { state } = (await (await client.request("GET", `/sessions/${id}`)).json()) as { readonly state: string };
    expect(state).toBe("deep-sleep");

    await page.locator(".asleep").getByRole("button", { name: "Wake" }).click();
    await page.getByText("The session sleeps.").waitFor({ state: "detached", timeout: 30_000 });
    await type(page, "src/b.txt", " no more");
    await page.keyboard.press("Control+s");
    await until("it is saved", async () => (await content(id, "src/b.txt")) === "deep no more");
  });

  it("are ten thousand in a folder, and the last one is a key away", async () => {
    const { id } = await newSession(client);
    const code = `import { mkdirSync, writeFileSync } from "node:fs"; mkdirSync("many");
      for (let index = 0; index < 10000; index++) writeFileSync("many/" + String(index).padStart(5, "0"), "");`;
    await client.execute({ sessionId: id, code });
    const { page } = await openConsole(chromium, client, `sessions/${id}/files`);
    await row(page, "many").click();
    await row(page, "00000").waitFor();
    await page.keyboard.press("End");
    await row(page, "09999").waitFor();
  });
});
