// The platform behind a network that fails: nothing runs twice, nothing is lost, and there is always an end.
import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BuntimeError } from "../../src/sdk/index.ts";
import type { Buntime, OutputEvent, Retry } from "../../src/sdk/index.ts";
import { platformOfRun } from "../support/e2e.ts";
import { commonSession, ownSession, sdkOfRun } from "../support/sdk.ts";
import { httpAnswer, unsteadyProxy } from "../support/unsteady-proxy.ts";
import type { Fault, UnsteadyProxy } from "../support/unsteady-proxy.ts";

const steady = sdkOfRun();
const common = commonSession(steady);

interface Unsteady {
  readonly client: Buntime;
  readonly proxy: UnsteadyProxy;
  readonly retries: readonly Retry[];
}

async function unsteady(): Promise<Unsteady> {
  const proxy = await unsteadyProxy(platformOfRun().url);
  const retries: Retry[] = [];
  const client = sdkOfRun({
    baseUrl: `${proxy.url.origin}/api`,
    retryDelay: 5,
    maxRetries: 6,
    onRetry: (retry) => retries.push(retry),
  });
  return { client, proxy, retries };
}

const BUSY = httpAnswer(
  429,
  JSON.stringify({ error: { code: "rate_limit_exceeded", message: "Slow down.", details: {} } }),
  {
    "retry-after": "0",
  },
);
const AWAY = httpAnswer(503, "<html><h1>Service Unavailable</h1></html>", {
  "content-type": "text/html",
  "retry-after": "0",
});

const FAULTS: Readonly<Record<string, Fault>> = {
  "the request is lost": { kind: "lose-request" },
  "the answer is lost": { kind: "lose-answer" },
  "the answer's head is cut": { kind: "cut", bytes: 40 },
  "the answer's body is cut": { kind: "cut", bytes: 600 },
  "a 429 comes back": { kind: "answer", text: BUSY },
  "a proxy's 503 comes back": { kind: "answer", text: AWAY },
};
const anyFault = fc.constantFrom(...Object.values(FAULTS));

/** Leaves one more line in a file, so that it can be told how often it ran. */
const counting = (mark: string, then = "true"): string => `echo x >> ${mark}; ${then}`;

async function timesRun(mark: string): Promise<number> {
  const log = await steady.files.read({ ...common, path: mark, as: "text" });
  return log.split("\n").length - 1;
}

const newMark = (): string => `log-${crypto.randomUUID()}`;

describe("an execution runs once", () => {
  test.each(Object.entries(FAULTS))("and its answer is had, when %s", async (_name, fault) => {
    const { client, proxy, retries } = await unsteady();
    proxy.plan([fault]);
    const mark = newMark();
    expect(await client.execute({ ...common, command: counting(mark, "echo done") })).toMatchObject({
      stdout: "done\n",
      exitCode: 0,
    });
    expect(await timesRun(mark)).toBe(1);
    expect(proxy.done).toEqual([fault]);
    expect(retries).toMatchObject([{ attempt: 1, delay: expect.any(Number), error: expect.any(BuntimeError) }]);
  });

  test("whatever happens to its tries, one after the other", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyFault, { minLength: 1, maxLength: 6 }), async (faults) => {
        const { client, proxy } = await unsteady();
        proxy.plan(faults);
        const mark = newMark();
        expect(await client.execute({ ...common, command: counting(mark, "echo done") })).toMatchObject({
          stdout: "done\n",
        });
        expect(await timesRun(mark)).toBe(1);
        expect(proxy.done).toEqual(faults);
      }),
      { numRuns: 12 },
    );
  });

  test("and when the tries are used up, the error says so and it has still not run twice", async () => {
    const { client, proxy } = await unsteady();
    proxy.plan(Array.from({ length: 7 }, () => ({ kind: "lose-answer" })));
    const mark = newMark();
    await expect(client.execute({ ...common, command: counting(mark) })).rejects.toMatchObject({
      code: "network_error",
      status: 0,
    });
    expect(await timesRun(mark)).toBe(1);
    expect(proxy.seen.length).toBe(7);
  });
});

describe("an account that can use no more keys", () => {
  const full = { code: "rate_limit_exceeded", message: "No more keys.", details: { keysMax: 1, retryAfterSeconds: 9 } };
  const FULL: Fault = {
    kind: "answer",
    text: httpAnswer(429, JSON.stringify({ error: full }), { "retry-after": "9" }),
  };

  test("executes all the same, each call being sent once", async () => {
    const { client, proxy, retries } = await unsteady();
    proxy.plan([FULL]);
    const mark = newMark();
    expect(await client.execute({ ...common, command: counting(mark) })).toMatchObject({ exitCode: 0 });
    proxy.plan([FULL, { kind: "lose-answer" }]);
    await expect(client.execute({ ...common, command: counting(mark) })).rejects.toMatchObject({
      code: "network_error",
    });
    expect(await timesRun(mark)).toBe(2);
    expect(retries).toEqual([]);
  });

  test("streams all the same, and one that breaks does not run again", async () => {
    const { client, proxy } = await unsteady();
    const mark = newMark();
    const command = counting(mark, "i=0; while test $i -lt 20; do i=$((i+1)); echo $i; sleep 0.02; done");
    proxy.plan([FULL, { kind: "cut", bytes: 900 }]);
    const stream = client.execute.stream({ ...common, command });
    await expect(stream.result).rejects.toMatchObject({ name: "BuntimeError" });
    expect(await timesRun(mark)).toBe(1);
  });
});

describe("a stream is whole", () => {
  const LINES = 400;
  const program = (mark: string): string =>
    counting(
      mark,
      `i=0; while test $i -lt ${LINES}; do i=$((i+1)); echo "line $i é€𝄞"; test $((i % 40)) = 0 && sleep 0.05; done; exit 7`,
    );
  const wanted = createHash("sha256")
    .update(Array.from({ length: LINES }, (_, index) => `line ${index + 1} é€𝄞\n`).join(""))
    .digest("hex");

  async function run(client: Buntime): Promise<void> {
    const mark = newMark();
    const stream = client.execute.stream({ ...common, command: program(mark) });
    const hash = createHash("sha256");
    const seen: OutputEvent[] = [];
    for await (const event of stream) {
      seen.push(event);
      hash.update(event.data);
    }
    expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, index) => index + 1));
    expect(hash.digest("hex")).toBe(wanted);
    const result = await stream.result;
    expect(createHash("sha256").update(result.stdout).digest("hex")).toBe(wanted);
    expect(result).toMatchObject({ exitCode: 7, executionId: await stream.executionId });
    expect(await timesRun(mark)).toBe(1);
  }

  test.each(Object.entries(FAULTS))("when %s", async (_name, fault) => {
    const { client, proxy } = await unsteady();
    proxy.plan([fault]);
    await run(client);
    expect(proxy.done).toEqual([fault]);
  });

  test("wherever it is cut, and however often", async () => {
    const cut = fc.integer({ min: 1, max: 12_000 }).map((bytes): Fault => ({ kind: "cut", bytes }));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(cut, anyFault), { minLength: 1, maxLength: 5 }), async (faults) => {
        const { client, proxy } = await unsteady();
        proxy.plan(faults);
        await run(client);
      }),
      { numRuns: 12 },
    );
  });

  test("with bytes that are not text, too", async () => {
    const { client, proxy } = await unsteady();
    proxy.plan([
      { kind: "cut", bytes: 3000 },
      { kind: "cut", bytes: 3000 },
    ]);
    const command = "i=0; while test $i -lt 200; do i=$((i+1)); printf '\\377\\000%s' $i; sleep 0.005; done";
    const stream = client.execute.stream({ ...common, command, encoding: "base64" });
    const parts: Uint8Array[] = [];
    for await (const { data } of stream) parts.push(data as Uint8Array);
    const all = Array.from({ length: 200 }, (_, index) => Buffer.from(`\xFF\0${index + 1}`, "latin1"));
    expect(Buffer.concat(parts)).toEqual(Buffer.concat(all));
    expect(Buffer.from((await stream.result).stdout, "base64")).toEqual(Buffer.concat(all));
    expect(proxy.done.length).toBe(2);
  });

  test("in a session of its own, too", async () => {
    const { client, proxy } = await unsteady();
    proxy.plan([{ kind: "cut", bytes: 1200 }]);
    const command = "i=0; while test $i -lt 30; do i=$((i+1)); echo $i; sleep 0.02; done";
    const stream = client.execute.stream({ command });
    let text = "";
    for await (const { data } of stream) text += String(data);
    expect(text).toBe(Array.from({ length: 30 }, (_, index) => `${index + 1}\n`).join(""));
    expect(await stream.result).toMatchObject({ exitCode: 0, stdout: text });
    expect(proxy.done.length).toBe(1);
  });

  test("of a server that goes into the background, too, and it ends", async () => {
    const session = await ownSession(steady);
    const { client, proxy } = await unsteady();
    proxy.plan([{ kind: "cut", bytes: 900 }]);
    const code = `for (let i = 0; i < 20; i++) { console.log("line", i); await Bun.sleep(20); }
Bun.serve({ port: 8080, fetch: () => new Response("up") }); setInterval(() => console.log("later"), 3000);`;
    const stream = client.execute.stream({ sessionId: session.id, code });
    let text = "";
    for await (const { data } of stream) text += String(data);
    expect(text.replaceAll("later\n", "")).toBe(Array.from({ length: 20 }, (_, index) => `line ${index}\n`).join(""));
    expect(await stream.result).toMatchObject({ background: true });
    expect(proxy.done.length).toBe(1);
  });

  test("when the tries are used up it ends with the error", async () => {
    const { client, proxy } = await unsteady();
    proxy.plan(Array.from({ length: 200 }, () => ({ kind: "lose-request" })));
    const stream = client.execute.stream({ ...common, command: "true" });
    await expect(stream.result).rejects.toMatchObject({ code: "network_error" });
    await expect(stream.executionId).rejects.toMatchObject({ code: "network_error" });
  });
});

describe("what is made is made once", () => {
  test.each(Object.entries(FAULTS))("a session, when %s", async (_name, fault) => {
    const { client, proxy } = await unsteady();
    proxy.plan([fault]);
    const mark = crypto.randomUUID();
    await using session = await client.sessions.create({ metadata: { mark } });
    const { sessions } = await steady.sessions.list({ metadata: { mark } });
    expect(sessions.map(({ id }) => id)).toEqual([session.id]);
  });

  test("a snapshot and a fork", async () => {
    const { client, proxy } = await unsteady();
    const mark = crypto.randomUUID();
    await using session = await steady.sessions.create({ metadata: { mark } });
    await session.files.write({ path: "a", content: "a" });
    proxy.plan([{ kind: "lose-answer" }], /snapshots/);
    proxy.plan([{ kind: "lose-answer" }], /fork/);
    const { snapshotId } = await client.snapshots.create({ sessionId: session.id, label: "one" });
    expect((await session.snapshots.list()).snapshots.filter(({ label }) => label === "one")).toMatchObject([
      { snapshotId },
    ]);
    await using fork = await client.sessions.fork({ sessionId: session.id });
    const { total } = await steady.sessions.list({ metadata: { mark } });
    expect([total, proxy.done.length]).toEqual([2, 2]);
    expect(await fork.files.read({ path: "a" })).toBe("a");
  });

  test("a key is not asked for again where nobody knows whether it was made", async () => {
    const { client, proxy, retries } = await unsteady();
    proxy.plan([{ kind: "lose-answer" }]);
    const name = crypto.randomUUID();
    await expect(client.keys.create({ name })).rejects.toMatchObject({ code: "network_error" });
    expect(retries).toEqual([]);
    proxy.plan([{ kind: "answer", text: BUSY }]);
    const { id } = await client.keys.create({ name: "after a 429" });
    expect(retries.length).toBe(1);
    const { keys } = await steady.keys.list({ limit: 100 });
    for (const key of keys.filter((one) => one.id === id || one.name === name))
      await steady.keys.delete({ keyId: key.id });
  });
});

describe("files", () => {
  test.each(Object.entries(FAULTS))("are written and read whole when %s", async (_name, fault) => {
    const { client, proxy } = await unsteady();
    const bytes = crypto.getRandomValues(new Uint8Array(60_000));
    const path = crypto.randomUUID();
    proxy.plan([fault], /^PUT/);
    proxy.plan([fault], /^GET/);
    expect(await client.files.write({ ...common, path, content: bytes })).toMatchObject({ size: 60_000 });
    expect(await client.files.read({ ...common, path, as: "bytes" })).toEqual(bytes);
    expect(proxy.done.length).toBe(2);
  });

  test("deleting one whose answer was lost is done, and not an error", async () => {
    const { client, proxy } = await unsteady();
    const path = crypto.randomUUID();
    await client.files.write({ ...common, path, content: "x" });
    proxy.plan([{ kind: "lose-answer" }]);
    expect(await client.files.delete({ ...common, path })).toEqual({ deleted: true, path });
    await expect(client.files.delete({ ...common, path })).rejects.toMatchObject({ code: "file_not_found" });
  });

  test("a stream that was sent is not sent again", async () => {
    const { client, proxy, retries } = await unsteady();
    proxy.plan([{ kind: "lose-answer" }]);
    const content = new Blob(["x"]).stream();
    await expect(client.files.write({ ...common, path: "s", content })).rejects.toMatchObject({
      code: "network_error",
    });
    expect(retries).toEqual([]);
  });

  test("a download that breaks is an error of ours, not a short file", async () => {
    const { client, proxy } = await unsteady();
    await client.files.write({ ...common, path: "long", content: new Uint8Array(500_000) });
    proxy.plan([{ kind: "cut", bytes: 100_000 }]);
    const stream = await client.files.read({ ...common, path: "long", as: "stream" });
    const error: unknown = await new Response(stream).arrayBuffer().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "BuntimeError", code: "network_error" });
  });
});
