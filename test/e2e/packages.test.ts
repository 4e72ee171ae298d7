// Packages from a registry: a missing import is installed, `bun add` works, and both stay.
import { describe, expect, test } from "vitest";
import { newSession, platformOfRun } from "../support/e2e.ts";

const client = platformOfRun();

/** Asked from inside a session, since that is where the packages have to arrive. */
const probe = await client.execute({
  code: `const url = process.env.NPM_CONFIG_REGISTRY ?? "https://registry.npmjs.org/";
console.log((await fetch(new URL("is-odd", url), { signal: AbortSignal.timeout(10_000) })).ok);`,
});
const offline = probe.stdout.trim() !== "true";
const title = offline ? "packages (skipped: no registry can be reached from a session)" : "packages";

describe.skipIf(offline)(title, () => {
  test("an import of what is not installed works, and in the next execution too", async () => {
    const { id: sessionId } = await newSession(client);
    const code = `import _ from "lodash"; console.log(_.chunk([1, 2, 3], 2).length)`;
    expect(await client.execute({ sessionId, code })).toMatchObject({ stdout: "2\n", exitCode: 0 });
    expect(await client.execute({ sessionId, code })).toMatchObject({ stdout: "2\n", exitCode: 0 });
  });

  test("`bun add` works, and the package is there in the next execution", async () => {
    const { id: sessionId } = await newSession(client);
    expect(await client.execute({ sessionId, command: "bun add is-odd@3.0.1" })).toMatchObject({ exitCode: 0 });
    const code = `import isOdd from "is-odd"; console.log(isOdd(3), (await Bun.file("package.json").json()).dependencies["is-odd"])`;
    expect(await client.execute({ sessionId, code })).toMatchObject({ stdout: "true 3.0.1\n", exitCode: 0 });
  });

  test("what `bun add` installed and what an import installs live side by side", async () => {
    const { id: sessionId } = await newSession(client);
    await client.execute({ sessionId, command: "bun add is-odd@3.0.1" });
    const code = `import isOdd from "is-odd"; import ms from "ms"; console.log(isOdd(3), ms("1s"))`;
    expect(await client.execute({ sessionId, code })).toMatchObject({ stdout: "true 1000\n", exitCode: 0 });
    expect(await client.execute({ sessionId, code })).toMatchObject({ stdout: "true 1000\n", exitCode: 0 });
  });

  test("a package that does not exist is the program's failure, with its name", async () => {
    const { id: sessionId } = await newSession(client);
    const answer = await client.execute({ sessionId, code: `import "buntime-no-such-package-here"` });
    expect(answer.exitCode).not.toBe(0);
    expect(answer.stderr).toContain("buntime-no-such-package-here");
  });

  test("fetch reaches the outside over HTTPS", async () => {
    const { id: sessionId } = await newSession(client);
    const code = `const url = process.env.NPM_CONFIG_REGISTRY ?? "https://registry.npmjs.org/";
console.log((await (await fetch(new URL("is-odd", url))).json()).name)`;
    expect(await client.execute({ sessionId, code })).toMatchObject({ stdout: "is-odd\n" });
  });
});
