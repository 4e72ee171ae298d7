import { readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { BUN } from "../../src/local/repository.ts";
import { type Ended, otherNode, Project } from "./project.ts";

const SAMPLE = `
import { startBuntime } from "buntime/testing";
import { BuntimeError } from "buntime";

test("an agent's code runs", async () => {
  const platform = await startBuntime();
  try {
    const session = await platform.client().sessions.create();
    const { stdout } = await session.execute({ code: "console.log(1 + 1)" });
    if (stdout !== "2\\n") throw new Error(stdout);
    const missing = await platform.client().sessions.info({ sessionId: "ses_00000000000000000000" }).catch((error) => error);
    if (!(missing instanceof BuntimeError) || missing.code !== "session_not_found") throw missing;
  } finally {
    await platform.stop();
  }
}, 90_000);
`;

const NODE_TEST = `import { test as run } from "node:test"; const test = (title, body) => run(title, body);`;

/** One of them under the oldest Node that is supported, where this machine has it. */
const FRAMEWORKS = [
  {
    name: "vitest",
    head: `import { test } from "vitest";`,
    command: [process.execPath, "node_modules/vitest/vitest.mjs", "run"],
  },
  { name: "node:test", head: NODE_TEST, command: [otherNode(20) ?? process.execPath, "--test"] },
  { name: "bun test", head: `import { test } from "bun:test";`, command: [BUN, "test"] },
] as const;

async function script(program: string, text: string, env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const project = new Project("full");
  const folder = project.write({ "main.mjs": text });
  return await project.run(program, [path.join(folder, "main.mjs")], { env });
}

describe("buntime/testing", () => {
  test.each(FRAMEWORKS)("runs a user's test under $name", async ({ head, command }) => {
    const project = new Project("full");
    const folder = project.write({ "sample.test.mjs": head + SAMPLE });
    const [program, ...args] = command;
    const { status, stdout, stderr } = await project.run(
      program,
      [...args, `${path.basename(folder)}/sample.test.mjs`],
      {
        env: { NO_COLOR: "1", FORCE_COLOR: undefined },
      },
    );
    expect(`${stdout}${stderr}`).toMatch(/(?:Tests\s+1 passed|pass 1|1 pass)\b/);
    expect(status).toBe(0);
  });

  test("starts several at a time, with timers of their own, and leaves nothing behind", async () => {
    const TMPDIR = new Project("full").write({});
    const { status, stdout, stderr } = await script(
      process.execPath,
      `
      import { startBuntime } from "buntime/testing";
      const before = process.env.MINIFLARE_WORKERD_PATH;
      const platforms = await Promise.all([startBuntime({ idleAfter: 300, deepSleepAfter: "700ms" }), startBuntime()]);
      const [quick, slow] = await Promise.all(platforms.map(async (platform) => {
        const client = platform.client();
        const session = await client.sessions.create();
        await session.files.write({ path: "a.txt", content: platform.url });
        return { client, sessionId: session.sessionId, url: platform.url };
      }));
      let state;
      do ({ state } = await quick.client.sessions.info({ sessionId: quick.sessionId })); while (state !== "deep-sleep");
      const other = await slow.client.sessions.info({ sessionId: slow.sessionId });
      const kept = await quick.client.files.read({ sessionId: quick.sessionId, path: "a.txt" });
      await Promise.all(platforms.map((platform) => platform.stop()));
      await platforms[0][Symbol.asyncDispose]();
      const after = process.env.MINIFLARE_WORKERD_PATH;
      console.log(JSON.stringify({ other: other.state, kept: kept === quick.url, same: before === after }));
      `,
      { TMPDIR },
    );
    expect(stderr).toBe("");
    expect([status, JSON.parse(stdout)]).toEqual([0, { other: "active", kept: true, same: true }]);
    expect(readdirSync(TMPDIR)).toEqual([]);
  });

  test("keeps a data directory of one's own for the next start, and one platform at a time in it", async () => {
    const { stdout, stderr } = await script(
      process.execPath,
      `
      import { startBuntime } from "buntime/testing";
      const dataDirectory = ${JSON.stringify(new Project("full").write({}))};
      const first = await startBuntime({ dataDirectory, apiKey: "btk_of_my_own_0000" });
      const { sessionId } = await first.client().sessions.create();
      await first.client().files.write({ sessionId, path: "a.txt", content: "kept" });
      const second = await startBuntime({ dataDirectory }).catch((error) => error.message);
      await first.stop();
      const third = await startBuntime({ dataDirectory, apiKey: "btk_of_my_own_0000" });
      const content = await third.client().files.read({ sessionId, path: "a.txt" });
      await third.stop();
      console.log(JSON.stringify([content, second]));
      `,
    );
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual(["kept", expect.stringContaining("is used by another buntime")]);
  });

  test("says why where the machine does not allow containers, and leaves nothing behind", async () => {
    const project = new Project("full");
    const TMPDIR = project.write({});
    const folder = project.write({
      "main.mjs": `
        import { startBuntime } from "buntime/testing";
        await startBuntime().catch((error) => console.log(error.message));
      `,
    });
    // Within a namespace that forbids others.
    const forbidding = `echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" "$1"`;
    const unshare = ["--user", "--map-root-user", "sh", "-c", forbidding, process.execPath, `${folder}/main.mjs`];
    const { stdout, stderr } = await project.run("unshare", unshare, { env: { TMPDIR } });
    expect(stdout).toContain("this machine does not let buntime make Linux namespaces");
    expect(stdout).toContain("sysctl user.max_user_namespaces");
    expect(stderr).toBe("");
    expect(readdirSync(TMPDIR)).toEqual([]);
  });

  test("refuses a duration that is none, before it starts anything", async () => {
    const { stdout } = await script(
      process.execPath,
      `
      import { startBuntime } from "buntime/testing";
      await startBuntime({ idleAfter: "soon" }).catch((error) => console.log(error.message));
      `,
    );
    expect(stdout).toBe("soon is not a duration such as 500ms, 30s, 5m or 2h\n");
  });
});
