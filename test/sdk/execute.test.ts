import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { BuntimeError } from "../../src/sdk/index.ts";
import type { OutputEvent } from "../../src/sdk/index.ts";
import { until } from "../support/until.ts";
import { commonSession, ownSession, sdkOfRun } from "../support/sdk.ts";

const client = sdkOfRun();
const common = commonSession(client);

describe("client.execute", () => {
  test("gives the answer of code and of a command", async () => {
    const { sessionId } = common;
    expect(await client.execute({ sessionId, code: "console.log(6 * 7)" })).toMatchObject({
      stdout: "42\n",
      exitCode: 0,
    });
    expect(await client.execute({ sessionId, command: "echo err >&2; exit 3" })).toMatchObject({
      stderr: "err\n",
      exitCode: 3,
    });
  });

  test("without a session runs in one of its own", async () => {
    expect(await client.execute({ code: "console.log(process.cwd())" })).toMatchObject({ stdout: "/workspace\n" });
  });

  test("writes files first, bytes as they are", async () => {
    const session = await ownSession(client);
    const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 7) % 256);
    const files = [
      { path: "data.bin", content: bytes },
      { path: "text.txt", content: "naïve" },
      { path: "blob.bin", content: new Blob([bytes]) },
    ];
    const { stdout } = await session.execute({
      files,
      command: "sha256sum data.bin blob.bin | cut -c 1-64; cat text.txt",
    });
    const digest = createHash("sha256").update(bytes).digest("hex");
    expect(stdout).toBe(`${digest}\n${digest}\nnaïve`);
  });

  test("a call that is wrong is a BuntimeError with code, status, details and request id", async () => {
    const error = await client.execute({ sessionId: common.sessionId }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BuntimeError);
    expect(error).toMatchObject({
      name: "BuntimeError",
      code: "invalid_request",
      status: 400,
      details: { in: "body" },
      requestId: expect.stringMatching(/^req_/),
      retryAfter: null,
    });
  });

  test("a signal ends the call, and the error is `aborted`", async () => {
    const { sessionId } = common;
    const leave = new AbortController();
    const call = client.execute({ sessionId, command: "touch begun; sleep 30" }, { signal: leave.signal });
    const settled = call.catch((error: unknown) => error);
    await until("it to run", async () => (await client.files.list({ sessionId })).some(({ path }) => path === "begun"));
    leave.abort(new Error("enough"));
    expect(await settled).toMatchObject({ code: "aborted", cause: { message: "enough" } });
    expect((await client.execution.kill({ sessionId })).killed).toBeGreaterThan(0);
    await expect(client.execute({ sessionId, command: "true" }, { signal: leave.signal })).rejects.toMatchObject({
      code: "aborted",
    });
  });
});

describe("client.execute.stream", () => {
  const collect = async (stream: AsyncIterable<OutputEvent>): Promise<OutputEvent[]> => {
    const seen: OutputEvent[] = [];
    for await (const event of stream) seen.push(event);
    return seen;
  };

  test("is iterated over, and has the answer at the end", async () => {
    const stream = client.execute.stream({ sessionId: common.sessionId, command: "echo out; sleep 0.2; echo err >&2" });
    const seen = await collect(stream);
    expect(seen).toEqual([
      { type: "stdout", data: "out\n", seq: 1 },
      { type: "stderr", data: "err\n", seq: 2 },
    ]);
    const result = await stream.result;
    expect(result).toMatchObject({ exitCode: 0, stdout: "out\n", stderr: "err\n" });
    expect(await stream.executionId).toBe(result.executionId);
  });

  test("calls back in order, one piece after the other", async () => {
    const seen: string[] = [];
    const take = async (data: string | Uint8Array): Promise<void> => {
      await Promise.resolve();
      seen.push(String(data));
    };
    const stream = client.execute.stream(
      {
        sessionId: common.sessionId,
        command: "for i in 1 2 3; do echo $i; sleep 0.05; echo e$i >&2; sleep 0.05; done",
      },
      { onStdout: take, onStderr: take },
    );
    expect(await stream.result).toMatchObject({ exitCode: 0 });
    expect(seen).toEqual(["1\n", "e1\n", "2\n", "e2\n", "3\n", "e3\n"]);
  });

  test("tells output while the program still runs", async () => {
    const session = await ownSession(client);
    const stream = session.execute.stream({
      command: "echo first; until test -e go; do sleep 0.02; done; echo second",
    });
    const seen: unknown[] = [];
    for await (const { data } of stream) {
      seen.push(data);
      await session.files.write({ path: "go", content: "" });
    }
    expect(seen).toEqual(["first\n", "second\n"]);
  });

  test("gives bytes where they were asked for", async () => {
    const stream = client.execute.stream({
      sessionId: common.sessionId,
      command: "printf 'a\\377\\000b'",
      encoding: "base64",
    });
    expect(await collect(stream)).toEqual([{ type: "stdout", data: Uint8Array.of(97, 255, 0, 98), seq: 1 }]);
  });

  test("output that came before the iteration is kept for it", async () => {
    const stream = client.execute.stream({ sessionId: common.sessionId, command: "echo one; sleep 0.1; echo two" });
    await stream.result;
    expect((await collect(stream)).map(({ data }) => data).join("")).toBe("one\ntwo\n");
  });

  test("is ended by kill", async () => {
    const stream = client.execute.stream({ sessionId: common.sessionId, command: "echo begun; sleep 30" });
    for await (const _ of stream) {
      expect(await stream.kill()).toMatchObject({ killed: expect.any(Number) });
    }
    expect(await stream.result).toMatchObject({ exitCode: null, signal: "SIGTERM" });
    expect(await stream.kill()).toEqual({ killed: 0, pids: [] });
  });

  test("in a session of its own, too, which is not gone before the kill is answered", async () => {
    const killed = async (): Promise<void> => {
      const stream = client.execute.stream({ command: "echo begun; sleep 30" });
      for await (const { data } of stream) {
        expect(data).toBe("begun\n");
        await stream.kill({ signal: "SIGKILL" });
      }
      expect(await stream.result).toMatchObject({ signal: "SIGKILL" });
    };
    await Promise.all(Array.from({ length: 8 }, killed));
  });

  test("a loop that is left early lets the connection go, and the result can still be had", async () => {
    const session = await ownSession(client);
    const stream = session.execute.stream({ command: "echo one; until test -e go; do sleep 0.02; done; echo two" });
    for await (const { data } of stream) {
      expect(data).toBe("one\n");
      break;
    }
    await session.files.write({ path: "go", content: "" });
    expect(await stream.result).toMatchObject({ exitCode: 0, stdout: "one\ntwo\n" });
  });

  test("with cancelOnDisconnect it ends with its reader", async () => {
    const session = await ownSession(client);
    const stream = session.execute.stream({ command: "while :; do echo x; sleep 0.1; done", cancelOnDisconnect: true });
    for await (const _ of stream) break;
    const ended = await until("its end", async () => {
      const record = await session.execution.get({ executionId: await stream.executionId });
      return record.outcome !== "running" && record;
    });
    expect(ended).toMatchObject({ outcome: "killed", reason: "disconnected" });
  });

  test("a server's stream ends when it is in the background", async () => {
    const session = await ownSession(client);
    const stream = session.execute.stream({
      code: "Bun.serve({ port: 8080, fetch: () => new Response('up') }); console.log('up')",
    });
    expect((await collect(stream)).map(({ data }) => data).join("")).toBe("up\n");
    expect(await stream.result).toMatchObject({ background: true, pid: expect.any(Number) });
  });

  test("a failure reaches the iteration, the result and the id alike", async () => {
    const stream = client.execute.stream({ sessionId: "ses_00000000000000000000", command: "true" });
    await expect(collect(stream)).rejects.toMatchObject({ code: "session_not_found", status: 404 });
    await expect(stream.result).rejects.toMatchObject({ code: "session_not_found" });
    await expect(stream.executionId).rejects.toMatchObject({ code: "session_not_found" });
    await expect(stream.kill()).rejects.toMatchObject({ code: "session_not_found" });
  });

  test("a signal ends it", async () => {
    const leave = new AbortController();
    const stream = client.execute.stream(
      { sessionId: common.sessionId, command: "echo one; sleep 30", cancelOnDisconnect: true },
      { signal: leave.signal },
    );
    const reading = (async () => {
      for await (const _ of stream) leave.abort();
    })();
    await expect(reading).rejects.toMatchObject({ code: "aborted" });
    await expect(stream.result).rejects.toMatchObject({ code: "aborted" });
  });

  test("a callback that throws ends it with what it threw", async () => {
    const stream = client.execute.stream(
      { sessionId: common.sessionId, command: "echo one; echo two" },
      {
        onStdout: () => {
          throw new Error("no room");
        },
      },
    );
    await expect(stream.result).rejects.toThrow("no room");
  });

  test("megabytes arrive byte by byte as they were printed", async () => {
    const session = await ownSession(client);
    const stream = session.execute.stream({
      code: "for (let i = 0; i < 60000; i++) process.stdout.write(`${i} ${'é'.repeat(i % 50)}\\n`)",
    });
    const hash = createHash("sha256");
    for await (const { data } of stream) hash.update(data);
    const wanted = createHash("sha256");
    for (let i = 0; i < 60_000; i++) wanted.update(`${i} ${"é".repeat(i % 50)}\n`);
    expect(hash.digest("hex")).toBe(wanted.digest("hex"));
    expect(await stream.result).toMatchObject({ truncated: true });
  });
});
