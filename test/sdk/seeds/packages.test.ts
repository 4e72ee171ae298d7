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
});
