// Debian's Chromium for the tests of a file: started before them, ended after them.
import { chromium } from "playwright-core";
import type { Browser } from "playwright-core";
import { beforeAll } from "vitest";

/** Quiet, and without the sandbox that needs more rights than a container gives. */
export const CHROMIUM = {
  executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"],
};

/** Called at the top of a file; read in its tests. */
export function browserOfFile(): { readonly browser: Browser } {
  let browser: Browser | null = null;
  beforeAll(async () => {
    browser = await chromium.launch(CHROMIUM);
    return () => browser?.close();
  });
  return {
    get browser() {
      if (browser === null) throw new Error("the browser starts before the tests");
      return browser;
    },
  };
}
