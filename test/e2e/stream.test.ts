// Output while it is printed, and picking it up again.
import { describe, expect, test } from "vitest";
import { ExecuteAnswer, ExecutionRecord, OutputPage } from "../../src/contract/execute.ts";
import { events } from "../../scripts/client.ts";
import type { ServerEvent } from "../../scripts/client.ts";
import { newSession, platformOfRun, problem, problemOf } from "../support/e2e.ts";
import { until } from "../support/until.ts";

const client = platformOfRun();

async function all(stream: AsyncIterable<ServerEvent>): Promise<ServerEvent[]> {
  const seen: ServerEvent[] = [];
  for await (const event of stream) seen.push(event);
  return seen;
}

const text = (seen: readonly ServerEvent[], name: string): string =>
  seen
    .filter(({ event }) => event === name)
    .map(({ data }) => JSON.parse(data).data)
    .join("");

const record = (sessionId: string, executionId: string): Promise<ExecutionRecord> =>
  client.ask(ExecutionRecord, "GET", `/sessions/${sessionId}/executions/${executionId}`);

describe("stream: true", () => {
  test("output comes as stdout and stderr events, and the whole answer as the last event", async () => {
    const { id: sessionId } = await newSession(client);
    const seen = await all(client.stream({ sessionId, command: "echo out; echo err >&2; exit 3" }));
    expect(text(seen, "stdout")).toBe("out\n");
    expect(text(seen, "stderr")).toBe("err\n");
    const last = seen.at(-1);
    expect(last?.event).toBe("exit");
    const answer = ExecuteAnswer.parse(JSON.parse(last?.data ?? ""));
    expect(answer).toMatchObject({ exitCode: 3, stdout: "out\n", stderr: "err\n", background: false });
  });

  test("every event has an id, and output is numbered from 1 without a gap", async () => {
    const { id: sessionId } = await newSession(client);
    const seen = await all(client.stream({ sessionId, command: "for i in 1 2 3; do echo $i; sleep 0.05; done" }));
    expect(seen.every(({ id }) => id !== "")).toBe(true);
    const numbers = seen.filter(({ event }) => event !== "exit").map(({ data }) => JSON.parse(data).seq);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    expect(numbers.length).toBeGreaterThan(0);
  });

  test("output arrives while the program still runs", async () => {
    const { id: sessionId } = await newSession(client);
    const stream = client.stream({
      sessionId,
      command: "echo first; until test -e go; do sleep 0.02; done; echo second",
    });
    const { value: first } = await stream.next();
    expect(first).toMatchObject({ event: "stdout" });
    // Only now may it go on: had the output been held back, this line would not be reached.
    await client.execute({ sessionId, command: "touch go" });
    expect(text(await all(stream), "stdout")).toBe("second\n");
  });

  test("what is printed line by line is gathered, so that much of it is not an event for each line", async () => {
    const { id: sessionId } = await newSession(client);
    const lines = 50_000;
    const code = `for (let line = 1; line <= ${lines}; line++) console.log(line);`;
    const seen = await all(client.stream({ sessionId, code }));
    expect(text(seen, "stdout").trimEnd().split("\n")).toEqual(Array.from({ length: lines }, (_, at) => `${at + 1}`));
    expect(seen.length).toBeLessThan(lines / 10);
  });

  test("no event cuts a character in two", async () => {
    const { id: sessionId } = await newSession(client);
    const code = `const bytes = Buffer.from("é€𝄞日".repeat(50));
for (const byte of bytes) { process.stdout.write(Uint8Array.of(byte)); if (byte % 7 === 0) await Bun.sleep(1); }`;
    const seen = await all(client.stream({ sessionId, code }));
    expect(text(seen, "stdout")).toBe("é€𝄞日".repeat(50));
    expect(text(seen, "stdout")).not.toContain("\uFFFD");
  });

  test("bytes that are not UTF-8 come as base64, byte-exact", async () => {
    const { id: sessionId } = await newSession(client);
    const seen = await all(client.stream({ sessionId, encoding: "base64", command: "printf 'a\\377\\000b'" }));
    const bytes = seen
      .filter(({ event }) => event === "stdout")
      .map(({ data }) =>
        Buffer.from(JSON.parse(data).data, JSON.parse(data).encoding === "base64" ? "base64" : "utf8"),
      );
    expect(Buffer.concat(bytes)).toEqual(Buffer.from([97, 255, 0, 98]));
  });

  test("a server's stream ends when it is in the background", async () => {
    const { id: sessionId } = await newSession(client);
    const seen = await all(
      client.stream({ sessionId, code: "Bun.serve({ port: 8080, fetch: () => new Response() })" }),
    );
    expect(ExecuteAnswer.parse(JSON.parse(seen.at(-1)?.data ?? ""))).toMatchObject({ background: true });
  });

  test("a bad request is an ordinary error answer, not a stream", async () => {
    const json = { sessionId: "ses_00000000000000000000", command: "true", stream: true };
    expect(await problemOf(await client.request("POST", "/execute", { json }))).toMatchObject({ status: 404 });
  });

  test("the answer is an event stream that no one may keep", async () => {
    const { id: sessionId } = await newSession(client);
    const response = await client.request("POST", "/execute", { json: { sessionId, command: "true", stream: true } });
    expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
    expect(response.headers.get("cache-control")).toContain("no-");
    expect(response.headers.get("x-request-id")).toBeTruthy();
    await response.text();
  });
});

test("a stream without output has a heartbeat, so that nothing in between gives it up", async () => {
  const { id: sessionId } = await newSession(client);
  const response = await client.request("POST", "/execute", {
    json: { sessionId, command: "sleep 17", stream: true },
  });
  const lines = (await response.text()).split("\n").filter((line) => line.startsWith(":"));
  // One may open the stream; the others came while nothing was printed.
  expect(lines.length).toBeGreaterThanOrEqual(1);
});

describe("a client that goes away", () => {
  /** Reads one event and hangs up. */
  async function leave(sessionId: string, cancelOnDisconnect: boolean): Promise<string> {
    const gone = new AbortController();
    const response = await client.request("POST", "/execute", {
      json: {
        sessionId,
        command:
          "echo begun; i=0; while test $i -lt 100; do i=$((i+1)); echo $i; test -e stop && exit 0; sleep 0.1; done",
        stream: true,
        cancelOnDisconnect,
      },
      signal: gone.signal,
    });
    for await (const event of events(response)) {
      expect(event.event).toBe("stdout");
      break;
    }
    gone.abort();
    const list = await client.request("GET", `/sessions/${sessionId}/executions`);
    return JSON.parse(await list.text()).executions[0].executionId;
  }

  test("does not stop what it waited for without a stream", async () => {
    const { id: sessionId } = await newSession(client);
    const gone = new AbortController();
    const call = client.request("POST", "/execute", {
      json: { sessionId, command: "touch begun; until test -e go; do sleep 0.02; done; touch ended" },
      signal: gone.signal,
    });
    call.catch(() => undefined); // it is cut off on purpose
    await until("its start", async () => (await client.execute({ sessionId, command: "ls begun" })).exitCode === 0);
    gone.abort();
    await client.execute({ sessionId, command: "sleep 0.5; touch go" });
    await until("its end", async () => (await client.execute({ sessionId, command: "ls ended" })).exitCode === 0);
  });

  test("does not stop the execution", async () => {
    const { id: sessionId } = await newSession(client);
    const executionId = await leave(sessionId, false);
    await client.execute({ sessionId, command: "sleep 0.5; touch stop" });
    const ended = await until("its end", async () => {
      const now = await record(sessionId, executionId);
      return now.outcome !== "running" && now;
    });
    expect(ended).toMatchObject({ outcome: "exited", exitCode: 0 });
  });

  test("stops it when it streamed with cancelOnDisconnect, and the record says why", async () => {
    const { id: sessionId } = await newSession(client);
    const executionId = await leave(sessionId, true);
    const ended = await until("its end", async () => {
      const now = await record(sessionId, executionId);
      return now.outcome !== "running" && now;
    });
    expect(ended).toMatchObject({ outcome: "killed", reason: "disconnected" });
  });
});

describe("picking output up again", () => {
  test("as JSON, after a sequence number", async () => {
    const { id: sessionId } = await newSession(client);
    const { executionId } = await client.execute({
      sessionId,
      command: "for i in 1 2 3 4; do echo $i; sleep 0.1; done; echo err >&2",
    });
    const base = `/sessions/${sessionId}/executions/${executionId}/output`;
    const whole = await client.ask(OutputPage, "GET", base);
    expect(whole).toMatchObject({ done: true, outcome: "exited" });
    expect(
      whole.chunks
        .filter(({ stream }) => stream === "stdout")
        .map(({ data }) => data)
        .join(""),
    ).toBe("1\n2\n3\n4\n");
    expect(whole.chunks.at(-1)).toMatchObject({ stream: "stderr", data: "err\n", seq: whole.lastSeq });

    const rest = await client.ask(OutputPage, "GET", `${base}?after=2`);
    expect(rest.chunks).toEqual(whole.chunks.filter(({ seq }) => seq > 2));
    expect(await client.ask(OutputPage, "GET", `${base}?after=${whole.lastSeq}`)).toMatchObject({
      chunks: [],
      done: true,
    });
  });

  test("as a stream that follows what still runs", async () => {
    const { id: sessionId } = await newSession(client);
    const { executionId } = await client.execute({
      sessionId,
      background: true,
      command: "echo one; until test -e go; do sleep 0.02; done; echo two",
    });
    const response = await client.request("GET", `/sessions/${sessionId}/executions/${executionId}/output`, {
      headers: { accept: "text/event-stream" },
    });
    const stream = events(response);
    expect((await stream.next()).value).toMatchObject({ event: "stdout" });
    await client.execute({ sessionId, command: "touch go" });
    const rest = await all(stream);
    expect(text(rest, "stdout")).toBe("two\n");
    expect(rest.at(-1)?.event).toBe("exit");
  });

  test("as a stream from where it broke off, with nothing twice and nothing lost", async () => {
    const { id: sessionId } = await newSession(client);
    const command = "i=0; while test $i -lt 20; do i=$((i+1)); echo $i; sleep 0.02; done";
    let after = 0;
    let seen = "";
    for await (const { event, data } of client.stream({ sessionId, command })) {
      if (event !== "stdout") continue;
      seen += JSON.parse(data).data;
      after = JSON.parse(data).seq;
      if (after >= 3) break;
    }
    const list = await client.request("GET", `/sessions/${sessionId}/executions`);
    const { executionId } = JSON.parse(await list.text()).executions[0];
    const response = await client.request(
      "GET",
      `/sessions/${sessionId}/executions/${executionId}/output?after=${after}`,
      {
        headers: { accept: "text/event-stream" },
      },
    );
    seen += text(await all(events(response)), "stdout");
    expect(seen).toBe(Array.from({ length: 20 }, (_, index) => `${index + 1}\n`).join(""));
  });

  test("more than the answer holds is in the record", async () => {
    const { id: sessionId } = await newSession(client);
    const answer = await client.execute({ sessionId, command: "head -c 3000000 /dev/zero | tr '\\0' x" });
    expect(answer.truncated).toBe(true);
    expect(await record(sessionId, answer.executionId)).toMatchObject({ outputBytes: 3_000_000, truncated: false });
    let bytes = 0;
    for (let after = 0, done = false; !done;) {
      const page = await client.ask(
        OutputPage,
        "GET",
        `/sessions/${sessionId}/executions/${answer.executionId}/output?after=${after}`,
      );
      bytes += page.chunks.reduce((sum, { data }) => sum + data.length, 0);
      ({ lastSeq: after, done } = page);
    }
    expect(bytes).toBe(3_000_000);
  });

  test("an unknown execution is a 404", async () => {
    const { id: sessionId } = await newSession(client);
    await client.execute({ sessionId, command: "true" });
    for (const path of ["", "/output"]) {
      expect(
        await problem(client, "GET", `/sessions/${sessionId}/executions/exe_00000000000000000000${path}`),
      ).toMatchObject({ status: 404, code: "execution_not_found" });
    }
  });
});
