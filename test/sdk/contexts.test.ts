// Contexts through the SDK's entry for what a session remembers.
import path from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { BuntimeError, ExecutionStream } from "../../src/sdk/index.ts";
import { Memory } from "../../src/sdk/memory/index.ts";
import type { RunEvent } from "../../src/sdk/memory/index.ts";
import { ROOT } from "../../src/local/repository.ts";
import { platformOfRun } from "../support/e2e.ts";
import { ownSession, sdkOfRun } from "../support/sdk.ts";

const client = sdkOfRun();
const { url, apiKey } = platformOfRun();
const memory = new Memory({ apiKey, baseUrl: `${url.origin}/api`, retryDelay: 20 });

test("a context is made, run in, looked at, found again and deleted", async () => {
  const { id: sessionId } = await ownSession(client);
  const context = await memory.contexts.create({ sessionId, language: "ts", name: "steps" });
  expect(context).toMatchObject({ sessionId, language: "typescript", name: "steps" });
  await context.run("const a = 40");
  const answer = await context.run("a + Number(process.env.B)", { env: { B: "2" }, timeout: 10 });
  expect(answer).toMatchObject({ exitCode: 0, error: null, results: [{ main: true, text: "42" }] });
  expect(await context.info()).toMatchObject({ id: context.id, state: "idle", lastRunAt: expect.any(String) });

  const again = await memory.contexts.open({ sessionId, contextId: context.id });
  expect((await again.run("a")).results[0]?.text).toBe("40");
  expect(await memory.contexts.list({ sessionId })).toMatchObject({ contexts: [{ id: context.id }], total: 1 });
  expect(await again.interrupt()).toEqual({ interrupted: false });
  expect(await context.delete()).toEqual({ deleted: true, contextId: context.id });
  const gone = await context.run("a").catch((error: unknown) => error);
  expect(gone).toBeInstanceOf(BuntimeError);
  expect(gone).toMatchObject({ code: "context_not_found", status: 404 });
  await context[Symbol.asyncDispose]();
});

test("a stream gives what is printed and what is shown in order, to who iterates and to callbacks", async () => {
  const { id: sessionId } = await ownSession(client);
  const context = await memory.contexts.create({ sessionId, language: "javascript" });
  const code = `console.log("out"); display({ a: 1 }); await Bun.sleep(1); console.error("err"); "last"`;
  const stream = context.stream(code);
  expect(stream).toBeInstanceOf(ExecutionStream);
  const seen: RunEvent[] = [];
  for await (const piece of stream) seen.push(piece);
  expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, index) => index + 1));
  const { results, stdout, stderr, executionId } = await stream.result;
  expect({ stdout, stderr }).toEqual({ stdout: "out\n", stderr: "err\n" });
  expect(await stream.executionId).toBe(executionId);
  expect(seen.flatMap((piece) => (piece.type === "result" ? [piece.data] : []))).toEqual(results);
  expect(results.map(({ main }) => main)).toEqual([false, true]);

  const told: unknown[] = [];
  const called = context.stream(
    code,
    {},
    { onStdout: (data) => void told.push(data), onResult: ({ json }) => void told.push(json) },
  );
  await called.result;
  expect(told).toEqual(["out\n", { a: 1 }, "last"]);
});

test("bytes of a run come as they are where that is asked for", async () => {
  const { id: sessionId } = await ownSession(client);
  const context = await memory.contexts.create({ sessionId, language: "javascript" });
  const stream = context.stream("process.stdout.write(new Uint8Array([0, 255])); 1", { encoding: "base64" });
  const seen: RunEvent[] = [];
  for await (const piece of stream) seen.push(piece);
  expect(seen.find(({ type }) => type === "stdout")?.data).toEqual(new Uint8Array([0, 255]));
});

test("the entry is at most 10 KB, minified and compressed, and asks for no module of a runtime", async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [path.join(ROOT, "src/sdk/memory/index.ts")],
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  expect(gzipSync(outputFiles[0]?.contents ?? new Uint8Array(), { level: 9 }).length).toBeLessThanOrEqual(10 * 1024);
  expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports)).toEqual([]);
});
