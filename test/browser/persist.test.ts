// Sessions of sandbox-agent in the IndexedDB of a real browser; a second driver is in another tab.
import { randomUUID } from "node:crypto";
import path from "node:path";
import { build } from "esbuild";
import type { BrowserContext, Page } from "playwright-core";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { ROOT } from "../../src/local/repository.ts";
import type { SessionPersistDriver } from "../../src/sdk/persist/driver.ts";
import { behaves } from "../persist/behaviour.ts";
import { allEvents, allSessions, anEvent, aRecord } from "../persist/conversations.ts";
import { remoteDriver } from "../persist/remote.ts";
import { browserOfFile } from "./chromium.ts";

declare global {
  interface Window {
    answerTo(text: string): Promise<string>;
    letGo(): Promise<void>;
  }
}

const { outputFiles } = await build({
  entryPoints: [path.join(ROOT, "test/browser/persist-page.ts")],
  bundle: true,
  format: "iife",
  write: false,
});
const script = outputFiles[0]?.text ?? "";
const ofFile = browserOfFile();

interface Tab {
  readonly page: Page;
  readonly driver: SessionPersistDriver;
}

let context: BrowserContext;
beforeAll(async () => {
  context = await ofFile.browser.newContext();
  const body = `<!doctype html><title>agents</title><script>${script}</script>`;
  await context.route("http://persist.localhost/*", (route) => route.fulfill({ contentType: "text/html", body }));
});

/** A database of its own, and what opens a tab with it. */
function newDatabase(): () => Promise<Tab> {
  const url = `http://persist.localhost/${randomUUID()}`;
  return async () => {
    const page = await context.newPage();
    onTestFinished(() => page.close());
    await page.goto(url);
    return { page, driver: remoteDriver((text) => page.evaluate((text) => window.answerTo(text), text)) };
  };
}

behaves(
  "in IndexedDB",
  async () => {
    const open = newDatabase();
    const { driver } = await open();
    return { driver, again: async () => (await open()).driver };
  },
  { runs: 10 },
);

describe("in IndexedDB, sessions", () => {
  test("are there after the page was loaded again", async () => {
    const { page, driver } = await newDatabase()();
    const event = anEvent("s", 1);
    await driver.updateSession(aRecord("s"));
    await driver.insertEvent("s", event);
    await page.reload();
    expect(await allSessions(driver)).toEqual([aRecord("s")]);
    expect(await allEvents(driver, "s")).toEqual([event]);
  });

  test("are there after the driver was closed, which opens the database again when it is asked", async () => {
    const { page, driver } = await newDatabase()();
    await page.evaluate(() => window.letGo());
    await driver.updateSession(aRecord("s"));
    await page.evaluate(() => window.letGo());
    expect(await allSessions(driver)).toEqual([aRecord("s")]);
  });

  test("can be deleted in another tab with their database, and written anew", async () => {
    const open = newDatabase();
    const { driver } = await open();
    await driver.updateSession(aRecord("s"));
    const other = await open();
    await other.page.evaluate(
      (name) =>
        new Promise((resolve, reject) => {
          const deleting = indexedDB.deleteDatabase(name);
          deleting.addEventListener("success", resolve);
          deleting.addEventListener("blocked", () => reject(new Error("blocked")));
        }),
      new URL(other.page.url()).pathname,
    );
    expect(await allSessions(driver)).toEqual([]);
    await driver.updateSession(aRecord("t"));
    expect(await allSessions(other.driver)).toEqual([aRecord("t")]);
  });

  test("of a later version are left alone, with an error that says so", async () => {
    const { page, driver } = await newDatabase()();
    await page.evaluate(
      (name) =>
        new Promise((resolve, reject) => {
          const opening = indexedDB.open(name, 99);
          opening.addEventListener("success", () => {
            opening.result.close();
            resolve(undefined);
          });
          opening.addEventListener("error", reject);
        }),
      new URL(page.url()).pathname,
    );
    await expect(driver.getSession("s")).rejects.toThrow(/version/);
  });
});
