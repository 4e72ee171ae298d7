// The SDK as it is shipped: how large it is, what it needs, and where it runs.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { describe, expect, onTestFinished, test } from "vitest";
import { BUN, ROOT } from "../../src/local/repository.ts";
import { platformOfRun } from "../support/e2e.ts";

const { outputFiles, metafile } = await build({
  entryPoints: [path.join(ROOT, "src/sdk/index.ts")],
  bundle: true,
  minify: true,
  format: "esm",
  write: false,
  metafile: true,
  logLevel: "silent",
});
const bundle = outputFiles[0]?.contents ?? new Uint8Array();

test("it is at most 10 KB, minified and compressed", () => {
  expect(gzipSync(bundle, { level: 9 }).length).toBeLessThanOrEqual(10 * 1024);
});

test("it holds nothing but itself, and asks for no module of a runtime", () => {
  const inputs = Object.keys(metafile.inputs).map((file) => path.relative(ROOT, path.resolve(file)));
  expect(inputs.filter((file) => !file.startsWith("src/sdk/"))).toEqual([]);
  expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports)).toEqual([]);
});

/** Prints one line of JSON. */
const PROGRAM = `
const client = new Buntime({ baseUrl, apiKey });
const run = async () => {
  await using session = await client.sessions.create();
  await session.files.write({ path: "a.bin", content: new Uint8Array([0, 255]) });
  const bytes = await session.files.read({ path: "a.bin" });
  const stream = session.execute.stream({ command: "echo one; sleep 0.1; echo two" });
  const seen = [];
  for await (const { data } of stream) seen.push(data);
  const { exitCode } = await stream.result;
  const list = await session.files.list();
  const failure = await client.sessions.info({ sessionId: "none" }).catch((error) => error);
  return { bytes: [...bytes], text: seen.join(""), exitCode, total: list.total, failure: [failure instanceof BuntimeError, failure.code] };
};`;
const WANTED = { bytes: [0, 255], text: "one\ntwo\n", exitCode: 0, total: 1, failure: [true, "session_not_found"] };

/** With `await using` written out, which Node 20 does not know. */
const PLAIN = PROGRAM.replace("await using session", "const session").replace(
  "return {",
  "await session[Symbol.asyncDispose]();\n  return {",
);

function settings(): string {
  const { url, apiKey } = platformOfRun();
  return `const baseUrl = ${JSON.stringify(`${url.origin}/api`)}, apiKey = ${JSON.stringify(apiKey)};`;
}

async function runFile(runtime: string): Promise<unknown> {
  const folder = mkdtempSync(path.join(tmpdir(), "buntime-sdk-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, "sdk.mjs"), bundle);
  const main = path.join(folder, "main.mjs");
  const program = `import { Buntime, BuntimeError } from "./sdk.mjs";\n${settings()}${PLAIN}\nconsole.log(JSON.stringify(await run()));`;
  writeFileSync(main, program);
  const child = spawn(runtime, [main], { stdio: ["ignore", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  await new Promise((resolve) => child.once("close", resolve));
  expect(err).toBe("");
  return JSON.parse(out);
}

/** Where a system's own Node lies, often an older one. */
const SYSTEM_NODE = "/usr/bin/node";

describe("it runs", () => {
  test("in this Node", async () => {
    expect(await runFile(process.execPath)).toEqual(WANTED);
  });

  test.skipIf(!existsSync(SYSTEM_NODE))("in the Node of the system", async () => {
    expect(await runFile(SYSTEM_NODE)).toEqual(WANTED);
  });

  test("in Bun", async () => {
    expect(await runFile(BUN)).toEqual(WANTED);
  });

  test("in a Worker", async () => {
    const worker = `import { Buntime, BuntimeError } from "./sdk.mjs";\n${settings()}${PROGRAM}
export default { fetch: async () => Response.json(await run()) };`;
    const miniflare = new Miniflare(
      convertV4MiniflareOptions({
        workers: [
          {
            name: "worker",
            modules: [
              { type: "ESModule", path: "worker.mjs", contents: worker },
              { type: "ESModule", path: "sdk.mjs", contents: Buffer.from(bundle).toString() },
            ],
            compatibilityDate: "2026-01-01",
          },
        ],
      }),
    );
    onTestFinished(() => miniflare.dispose());
    const response = await miniflare.dispatchFetch("http://worker/");
    expect(await response.json()).toEqual(WANTED);
  });
});
