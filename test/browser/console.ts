// The console as a person opens it: a page of its own for each test, signed in, at which whatever the page complains of
// (an error, a violation of its policy) fails the test.
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { expect, onTestFinished } from "vitest";
import type { Client } from "../support/e2e.ts";

export interface OpenOptions extends BrowserContextOptions {
  /** Default: the platform that `client` speaks to, by the name that its previews are subdomains of. */
  readonly origin?: string;
  /** Default: that of `client`. null: nobody is signed in. */
  readonly key?: string | null;
  /** Complaints that belong to the test, such as of a connection that it cuts. */
  readonly expected?: RegExp;
}

export interface OpenConsole {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly origin: string;
}

/** How long a test waits for what the page is to show: the machine may be busy with much else. */
const PATIENCE_MS = 20_000;

function consoleOrigin(client: Client): string {
  return `http://${client.domain}`;
}

/** `path` is below `/console/`. */
export async function openConsole(
  { browser }: { readonly browser: Browser },
  client: Client,
  path = "",
  { origin = consoleOrigin(client), key = client.apiKey, expected, ...contextOptions }: OpenOptions = {},
): Promise<OpenConsole> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...contextOptions });
  context.setDefaultTimeout(PATIENCE_MS);
  const complaints: string[] = [];
  const complain = (text: string): void => {
    if (expected?.test(text) !== true) complaints.push(text);
  };
  onTestFinished(async () => {
    await context.close();
    expect(complaints, "what the page complained of").toEqual([]);
  });
  if (key !== null) {
    await context.addInitScript(
      ([home, text]) => {
        // Not in the frames of previews, which are somebody else's.
        if (location.origin === home) sessionStorage.setItem("buntime.key", text);
      },
      [origin, key] as const,
    );
  }
  const page = await context.newPage();
  page.on("pageerror", (error) => complain(error.stack ?? error.message));
  // A violation of the content security policy is an error of the console.
  page.on("console", (message) => {
    if (message.type() === "error") complain(message.text());
  });
  await page.goto(`${origin}/console/${path}`);
  return { page, context, origin };
}

/** What a terminal shows, as whoever hears it is told. */
export function screenOf(page: Page) {
  return page.locator(".terminal-pane:not([hidden]) .xterm-rows");
}

/** Puts a text into the editor that is shown, in place of what is there. */
export async function fillEditor(page: Page, label: string, text: string): Promise<void> {
  const editor = page.getByRole("textbox", { name: label });
  await editor.click();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText(text);
}
