// The pure parts of ERA's dialect: comments in bodies, and what the output of stored code becomes.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { withoutComments } from "../../src/era/body.ts";
import type { Answer } from "../../src/era/outcome.ts";
import { outcome } from "../../src/era/outcome.ts";
import { repliedBy } from "../../src/era/proxy-reply.ts";

const ANSWER: Answer = {
  executionId: "exe_00000000000000000000",
  stdout: "",
  stderr: "",
  encoding: "utf-8",
  exitCode: 0,
  signal: null,
  executionTime: 1234.5,
  memoryUsed: 1,
  cpuTime: 1,
  timedOut: false,
  truncated: false,
  background: false,
  pid: null,
  filesWritten: [],
};

describe("comments in a body", () => {
  async function stripped(text: string, cut: number): Promise<string> {
    const bytes = new TextEncoder().encode(text);
    const pieces = [bytes.slice(0, cut), bytes.slice(cut)];
    const source = ReadableStream.from<Uint8Array<ArrayBuffer>>(pieces).pipeThrough(withoutComments());
    return await new Response(source).text();
  }

  test("JSON of any kind stays as it is, wherever its bytes are cut", async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), fc.nat(200), async (json, cut) => {
        expect(await stripped(json, cut)).toBe(json);
      }),
    );
  });

  test("one behind a value or on a line of its own is taken out, whatever it holds", async () => {
    const comment = fc.string({ unit: "grapheme" }).map((text) => `#${text.replaceAll("\n", "")}\n`);
    await fc.assert(
      fc.asyncProperty(fc.json(), comment, comment, fc.nat(200), async (json, before, after, cut) => {
        expect(JSON.parse(await stripped(`${before}[${json} ${after}]`, cut))).toEqual([JSON.parse(json)]);
      }),
    );
  });

  test("the documents' own example is read", async () => {
    const body = '{\n "code": "print(\\"#1\\")" # Error: name \\"x\\" is not defined\n}';
    expect(JSON.parse(await stripped(body, 3))).toEqual({ code: 'print("#1")' });
  });
});

describe("an outcome", () => {
  test("of an error in a context ends with its traceback, unless it was printed already", () => {
    const error = {
      name: "NameError",
      message: "no x",
      traceback: ["Traceback:", "NameError: no x"],
      line: 1,
      column: 1,
    };
    const answer = { ...ANSWER, exitCode: 1, stderr: "warned\n", error };
    expect(outcome(answer)).toMatchObject({ exit_code: 1, stderr: "warned\nTraceback:\nNameError: no x\n" });
    expect(outcome({ ...answer, stderr: "NameError: no x\n" })).toMatchObject({ stderr: "NameError: no x\n" });
    expect(outcome({ ...answer, error: { ...error, traceback: ["at <run 1>:1:1"] } })).toMatchObject({
      stderr: "warned\nNameError: no x\nat <run 1>:1:1\n",
    });
  });

  test("of an interrupt for time has no traceback, but tells of an interpreter that had to be ended", () => {
    const error = { name: "KeyboardInterrupt", message: "", traceback: ["KeyboardInterrupt"], line: 1, column: 1 };
    const answer = { ...ANSWER, exitCode: 1, timedOut: true, error };
    expect(outcome(answer)).toMatchObject({ exit_code: 124, stderr: "" });
    const gone = { ...error, name: "InterpreterEnded", message: "It is gone", traceback: [] };
    expect(outcome({ ...answer, exitCode: null, error: gone })).toMatchObject({
      exit_code: 124,
      stderr: "InterpreterEnded: It is gone\n",
    });
  });

  test.each([
    [{ exitCode: 3 }, 3],
    [{ exitCode: null, signal: "SIGKILL" }, 137],
    [{ exitCode: null, signal: "SIGSEGV" }, 139],
    [{ exitCode: null, signal: null }, 1],
    [{ exitCode: null, signal: "SIGTERM", timedOut: true }, 124],
    [{ exitCode: null, background: true, pid: 7 }, null],
  ])("of %j has the exit code %j", (how, code) => {
    expect(outcome({ ...ANSWER, ...how })["exit_code"]).toBe(code);
  });

  test("tells what was lost or could not be brought back where there is any of it", () => {
    const dropped = [{ name: "socket", reason: "is open" }];
    const lost = { at: "2026-01-01T00:00:00.000Z", reason: "it was ended by SIGSEGV" };
    expect(outcome({ ...ANSWER, dropped, lost })).toMatchObject({ dropped_variables: dropped, lost_variables: lost });
    expect(Object.keys(outcome({ ...ANSWER, dropped: [], lost: null }))).toEqual([
      "exit_code",
      "stdout",
      "stderr",
      "duration",
      "execution_time_ms",
      "files_modified",
    ]);
  });

  test("counts the user's files alone", () => {
    const filesWritten = [".session_data.json", ".era/setup.json", "a", ".erase"];
    expect(outcome({ ...ANSWER, filesWritten })).toMatchObject({ files_modified: 2 });
  });
});

describe("a reply of stored code", () => {
  const reply = (json: unknown): Response => repliedBy({ ...ANSWER, stdout: JSON.stringify(json) });

  test("has the status, type and headers that its JSON names, and the JSON as its body", async () => {
    const json = { status: 418, contentType: "application/x-tea", headers: { "X-Pot": "1" }, data: [1] };
    const response = reply(json);
    expect([response.status, response.headers.get("content-type"), response.headers.get("x-pot")]).toEqual([
      418,
      "application/x-tea",
      "1",
    ]);
    expect(await response.json()).toEqual(json);
  });

  test.each([["success"], [99], [600], [200.5], [null], [101]])("a status of %j counts as 200", (status) => {
    expect(reply({ status }).status).toBe(200);
  });

  test.each([[[1, 2]], [1], ["text"], [true]])("%j is JSON as any other", async (json) => {
    expect(await reply(json).json()).toEqual(json);
  });

  test.each([
    [{ error: "no such user" }, 500],
    [{ status: "failed" }, 500],
    [{ status: 404 }, 404],
  ])("%j of code that failed afterwards is a %i", async (json, status) => {
    const response = repliedBy({ ...ANSWER, stdout: JSON.stringify(json), exitCode: 1 });
    expect([response.status, await response.json()]).toEqual([status, json]);
  });

  test("may set no header that acts on the host it comes from, and is no page of it", () => {
    const response = reply({
      headers: {
        "Set-Cookie": "a=b",
        "Clear-Site-Data": "*",
        "Service-Worker-Allowed": "/",
        "Content-Security-Policy": "default-src *",
        "X-Content-Type-Options": "off",
        "X-RateLimit-Limit": "0",
        "X-Request-Id": "forged",
        "a b": "c",
        "x-new-line": "a\r\nset-cookie: b",
        "x-euro": "€",
        "X-Good": 1,
      },
    });
    expect([...response.headers.keys()].toSorted()).toEqual([
      "content-security-policy",
      "content-type",
      "x-content-type-options",
      "x-good",
    ]);
    expect(response.headers.get("content-security-policy")).toBe("sandbox");
  });

  test("whatever is printed, there is an answer", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ unit: "binary" }), fc.json()), fc.integer(), async (stdout, exitCode) => {
        const response = repliedBy({ ...ANSWER, stdout, exitCode });
        await response.text();
        expect(response.headers.get("content-security-policy")).toBe("sandbox");
      }),
    );
  });

  test.each([204, 205, 304])("a %i has no body", async (status) => {
    expect(await reply({ status }).text()).toBe("");
  });

  test("what is no JSON is text, and a failure of the code is one of the server", async () => {
    const failed = repliedBy({ ...ANSWER, stdout: "so far", stderr: "why", exitCode: 1 });
    expect([failed.status, await failed.text()]).toEqual([500, "so farwhy"]);
    expect(repliedBy({ ...ANSWER, stdout: "listening", exitCode: null, background: true }).status).toBe(200);
    expect(repliedBy({ ...ANSWER, stdout: "text" }).headers.get("content-type")).toBe("text/plain; charset=utf-8");
  });
});
