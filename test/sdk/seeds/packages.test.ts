// The examples of the original's document on persistence that need a package registry.
import { beforeEach, describe, expect, test } from "vitest";
import type { SessionHandle } from "../../../src/sdk/index.ts";
import { ownSession, sdkOfRun } from "../../support/sdk.ts";

const client = sdkOfRun();

/** Asked from inside a session, since that is where the packages have to arrive. */
const probe = await client.execute({
  code: `const url = process.env.NPM_CONFIG_REGISTRY ?? "https://registry.npmjs.org/";
console.log((await fetch(new URL("is-odd", url), { signal: AbortSignal.timeout(10_000) })).ok);`,
});
const offline = probe.stdout.trim() !== "true";

describe.skipIf(offline)(offline ? "packages (skipped: no registry can be reached from a session)" : "packages", () => {
  let session: SessionHandle;
  beforeEach(async () => {
    session = await ownSession(client);
  });

  test("that were installed persist", async () => {
    // First execution
    await client.execute({
      sessionId: session.id,
      command: "bun add lodash",
    });

    // Second execution - lodash is available
    const second = await client.execute({
      sessionId: session.id,
      code: `
    import _ from 'lodash';
    console.log(_.uniq([1, 2, 2, 3])); // [1, 2, 3]
  `,
    });
    expect(second.stdout).toBe("[ 1, 2, 3 ]\n");
  });

  test("of a server that keeps all in memory: Redis", async (context) => {
    // The program ends with its time: it leaves its connection open.
    const session = await ownSession(client, { resourceLimits: { timeout: 8 } });
    const { stdout: found } = await session.execute({ command: "command -v redis-server" });
    context.skip(found === "", "no redis-server in the session");
    await session.execute({ command: "bun add redis" });
    await session.update({ services: [{ name: "redis", command: "exec redis-server --save ''", port: 6379 }] });

    await client.execute({
      sessionId: session.id,
      code: `
    // Note: Redis data is in-memory and lost on deep sleep
    // Only use for temporary caching
    import { createClient } from 'redis';
    const redis = createClient();
    await redis.connect();
    await redis.set('key', 'value');
  `,
    });
    expect(await session.execute({ command: "redis-cli get key" })).toMatchObject({ stdout: "value\n" });
    await client.sessions.sleep({ sessionId: session.id });
    expect(await session.execute({ command: "redis-cli get key" })).toMatchObject({ stdout: "\n", exitCode: 0 });
  });
});
