// Every page of the console in both themes and at two widths, looked at by axe. With CONSOLE_SCREENSHOTS=1 it leaves
// pictures in docs/images, which README shows.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { beforeAll, describe, it } from "vitest";
import { ROOT } from "../../src/local/repository.ts";
import { platformOfRun } from "../support/e2e.ts";
import { browserOfFile } from "./chromium.ts";
import { openConsole } from "./console.ts";

const client = platformOfRun();
const chromium = browserOfFile();
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PICTURES = process.env["CONSOLE_SCREENSHOTS"] ?? "";
const LOOKS = [
  ["light", 1280],
  ["dark", 1280],
  ["light", 360],
  ["dark", 360],
] as const;

const PROGRAM = `import { readdir } from "node:fs/promises";

const files: string[] = await readdir(".");
console.log("\\x1b[1mfound\\x1b[0m \\x1b[32m%d files\\x1b[0m", files.length);
for (const file of files.toSorted()) console.log(" \\x1b[36m•\\x1b[0m", file);
console.error("\\x1b[33mwarning\\x1b[0m: nothing was changed");
`;
const SERVER = `const server = Bun.serve({ port: 8080, fetch: () => new Response("<h1>Hello from the checkout agent</h1>", { headers: { "content-type": "text/html" } }) });
console.log("listening on " + server.url);`;
const CONTENT: Readonly<Record<string, string>> = {
  "package.json": '{ "name": "shop", "private": true }\n',
  "readme.md": "# Shop\n\nRun `bun test`.\n",
};

/** The session that pages are about, as one looks after a while. */
beforeAll(async () => {
  const { id } = await client.createSession({ name: "checkout-agent", metadata: { team: "shop", task: "checkout" } });
  const others = [
    await client.createSession({ name: "nightly-report", metadata: { team: "data" } }),
    await client.createSession({ metadata: { team: "shop", run: 1042 } }),
  ];
  const files = ["readme.md", "src/cart.ts", "src/checkout.ts", "src/tax.ts", "test/cart.test.ts", "package.json"].map(
    (file) => ({
      path: file,
      content: CONTENT[file] ?? "export const total = (prices: number[]) => Math.max(...prices);\n",
    }),
  );
  await client.request("POST", "/files/write", { json: { sessionId: id, files } });
  await client.request("POST", `/sessions/${id}/snapshots`, { json: { label: "before the upgrade" } });
  await client.execute({ sessionId: id, code: PROGRAM });
  await client.execute({ sessionId: id, code: "const wrong: string = null!;\nwrong.length;" });
  await client.execute({ sessionId: id, code: SERVER });
  await client.request("PATCH", `/sessions/${id}`, {
    json: { services: [{ name: "ticker", command: "while true; do date; sleep 5; done" }] },
  });
  const webhook = await client.request("POST", "/webhooks", { json: { url: "https://example.com/buntime" } });
  return async () => {
    for (const each of [id, ...others.map((other) => other.id)]) await client.request("DELETE", `/sessions/${each}`);
    const { id: webhookId } = (await webhook.json()) as { readonly id: string };
    await client.request("DELETE", `/webhooks/${webhookId}`);
  };
}, 120_000);

interface Shown {
  readonly name: string;
  readonly path: string;
  /** Seen once it is whole, after what has to be done for that. */
  readonly ready: (page: Page) => Promise<unknown>;
  readonly signedOut?: boolean;
  readonly picture?: boolean;
}

const session = (tab = ""): string => `sessions/checkout-agent${tab}`;
const PAGES: readonly Shown[] = [
  { name: "sign-in", path: "", signedOut: true, ready: (page) => page.getByLabel("API key").waitFor() },
  {
    name: "list",
    path: "",
    picture: true,
    ready: (page) => page.getByRole("link", { name: "checkout-agent" }).waitFor(),
  },
  {
    name: "new session",
    path: "",
    ready: async (page) => {
      await page.getByRole("button", { name: "New session" }).click();
      await page.getByRole("dialog").getByText("More").click();
    },
  },
  {
    name: "overview",
    path: session(),
    picture: true,
    ready: (page) => page.getByRole("heading", { name: "Its life" }).waitFor(),
  },
  {
    name: "run",
    path: session("/run"),
    picture: true,
    ready: async (page) => {
      await page.getByRole("textbox", { name: "TypeScript" }).waitFor();
      await page
        .getByRole("listitem")
        .filter({ hasText: "readdir" })
        .getByRole("button", { name: "Run again" })
        .click();
      await page.getByRole("log").getByText("nothing was changed").waitFor();
      await page.locator(".run-output").getByText("exit code 0").waitFor();
    },
  },
  {
    name: "terminal",
    path: session("/terminal"),
    picture: true,
    ready: async (page) => {
      await page.getByRole("button", { name: "Open a terminal" }).click();
      await page.locator(".xterm-rows").getByText("$").first().waitFor();
      await page.keyboard.type("ls --color=always\n");
      await page.locator(".xterm-rows").getByText("package.json").first().waitFor();
    },
  },
  {
    name: "files",
    path: session("/files"),
    picture: true,
    ready: (page) => page.getByText("package.json").first().waitFor(),
  },
  {
    name: "preview",
    path: session("/preview"),
    ready: async (page) => {
      await page.getByRole("button", { name: "Show it" }).click();
      await page.frameLocator("iframe").getByRole("heading").waitFor();
      await page.getByText("Requests").click();
      await page.getByRole("cell", { name: /GET/ }).first().waitFor();
    },
  },
  {
    name: "processes",
    path: session("/processes"),
    ready: async (page) => {
      await page
        .getByRole("button", { name: /Log of/ })
        .first()
        .click();
      await page.getByText("listening on").first().waitFor();
    },
  },
  { name: "snapshots", path: session("/snapshots"), ready: (page) => page.getByText("before the upgrade").waitFor() },
  {
    name: "account",
    path: "account/usage",
    picture: true,
    ready: (page) => page.getByText("Hours by state").first().waitFor(),
  },
  { name: "limits", path: "account/limits", ready: (page) => page.getByText("time-out of an execution").waitFor() },
  { name: "keys", path: "account/keys", ready: (page) => page.getByText("A key opens the account").waitFor() },
  { name: "webhooks", path: "account/webhooks", ready: (page) => page.getByText("example.com").first().waitFor() },
  { name: "nowhere", path: "nowhere", ready: (page) => page.getByText("There is nothing here").waitFor() },
];

/** What axe finds fault with, one line each. */
async function faultsOf(page: Page): Promise<readonly string[]> {
  const found = await page.evaluate(async () => {
    // SAFETY: the script that was evaluated before says so.
    const { axe } = globalThis as unknown as { axe: { run: (options: object) => Promise<AxeResults> } };
    return (await axe.run({ iframes: false })).violations;
  });
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} ${target.join(" ")}: ${failureSummary}`),
  );
}

describe("The console's pages", { timeout: 120_000 }, () => {
  for (const { name, path: at, ready, signedOut = false, picture = false } of PAGES) {
    it(`${name}: has nothing that axe finds fault with, in light and dark, wide and narrow`, async ({ expect }) => {
      const { page } = await openConsole(chromium, client, at, {
        reducedMotion: "reduce",
        ...(signedOut ? { key: null } : {}),
      });
      await ready(page);
      await page.evaluate(AXE);
      const faults: string[] = [];
      for (const [colorScheme, width] of LOOKS) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await page.setViewportSize({ width, height: 800 });
        faults.push(...(await faultsOf(page)).map((fault) => `${colorScheme} ${width}: ${fault}`));
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (overflow > 0) faults.push(`${colorScheme} ${width}: wider than its window by ${overflow} px`);
        const directory = PICTURES === "1" ? path.join(ROOT, "docs/images") : PICTURES;
        if (directory !== "" && (picture || PICTURES !== "1")) {
          const file = `console-${name.replaceAll(" ", "-")}-${colorScheme}-${width}.png`;
          await page.screenshot({ path: path.join(directory, file), animations: "disabled" });
        }
      }
      expect(faults).toEqual([]);
    });
  }
});
