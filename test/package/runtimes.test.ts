import { describe, expect, test } from "vitest";
import { Project, RUNTIMES } from "./project.ts";

const IMPORT = `
import * as main from "buntime";
import * as sdk from "buntime/sdk";
import { Memory } from "buntime/memory";
import { BuntimeSessionPersistDriver } from "buntime/persist";
import manifest from "buntime/package.json" with { type: "json" };
if (main.Buntime !== sdk.Buntime) throw new Error("two clients");
const client = new main.Buntime({ apiKey: "btk_unused", baseUrl: "http://127.0.0.1:1/api", maxRetries: 0 });
try {
  await client.sessions.list();
} catch (error) {
  console.log(JSON.stringify([error instanceof main.BuntimeError, error.code, error.status, manifest.name]));
}
const memory = new Memory({ apiKey: "btk_unused", baseUrl: "http://127.0.0.1:1/api", maxRetries: 0 });
const refused = await memory.contexts.list({ sessionId: "none" }).catch((error) => error);
if (!(refused instanceof main.BuntimeError)) throw new Error("two classes of errors");
const persist = new BuntimeSessionPersistDriver({ sessionId: "none", baseUrl: "http://127.0.0.1:1/api", maxRetries: 0 });
const unread = await persist.getSession("s").catch((error) => error);
if (!(unread instanceof main.BuntimeError)) throw new Error("two classes of errors of drivers");
`;

describe.each(RUNTIMES.filter(({ program }) => program !== null))("$name", ({ program }) => {
  test("imports the client library, and an unreachable platform is a BuntimeError", async () => {
    const project = new Project("bare");
    const folder = project.write({ "main.mjs": IMPORT });
    const { status, stdout, stderr } = await project.run(program ?? "", [`${folder}/main.mjs`]);
    expect(stderr.replaceAll(/^.*(ExperimentalWarning|--trace-warnings).*\n/gm, "")).toBe("");
    expect([status, JSON.parse(stdout)]).toEqual([0, [true, "network_error", 0, "buntime"]]);
  });

  test("says by name which packages a platform needs, and how to install them", async () => {
    const project = new Project("bare");
    const folder = project.write({
      "main.mjs": `
        import { startBuntime } from "buntime/testing";
        await startBuntime().catch((error) => console.log(error.message));
      `,
    });
    const { stdout } = await project.run(program ?? "", [`${folder}/main.mjs`], { env: { PATH: "/nowhere" } });
    expect(stdout).toMatch(/needs .*miniflare.*: npm install --save-dev .*miniflare@\d/);
    expect(stdout.includes("bun@^")).toBe(!program?.endsWith("bun"));
  });
});
