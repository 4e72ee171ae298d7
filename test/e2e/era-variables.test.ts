// What ERA's documents promise of variables: they stay from run to run, whatever happens between.
import { describe, expect, test } from "vitest";
import { events } from "../../scripts/client.ts";
import { platformOfRun } from "../support/e2e.ts";
import { era, eraRequest, newEraId } from "../support/era.ts";
import type { EraAnswer } from "../support/era.ts";

const client = platformOfRun();
const execution = { language: "python", code: "print(1)" };
const hasPython = (await era(client, "POST", "/api/execute", { json: execution })).json.exit_code === 0;

async function created(language: string, more: object = {}): Promise<string> {
  const id = newEraId(client);
  const { status, json } = await era(client, "POST", "/api/sessions", { json: { language, session_id: id, ...more } });
  if (status !== 201) throw new Error(`${status}: ${JSON.stringify(json)}`);
  return id;
}

const run = (id: string, code: string, more: object = {}): Promise<EraAnswer> =>
  era(client, "POST", `/api/sessions/${id}/run`, { json: { code, ...more } });
const printed = (stdout: string) => ({ status: 200, json: { exit_code: 0, stdout } });

const JAVASCRIPT = {
  binds: 'import { basename } from "node:path"; const words = ["a"]; function add(word) { words.push(word); }',
  changes: 'add("b")',
  prints: 'console.log(words.join(), basename("/x/y"))',
  fails: "nobody.knows",
  error: "ReferenceError",
  loops: "for (;;);",
};
const LANGUAGES = {
  javascript: JAVASCRIPT,
  typescript: {
    ...JAVASCRIPT,
    binds: JAVASCRIPT.binds.replace("words =", "words: string[] =").replace("(word)", "(word: string)"),
  },
  python: {
    binds: "from os.path import basename\nwords = ['a']\ndef add(word):\n    words.append(word)",
    changes: "add('b')",
    prints: "print(','.join(words), basename('/x/y'))",
    fails: "nobody.knows",
    error: "NameError",
    loops: "while True: pass",
  },
} as const;

describe.each(Object.entries(LANGUAGES).filter(([language]) => language !== "python" || hasPython))(
  "%s",
  (language, code) => {
    test("variables, functions and imports stay, also after an error, a time-out and deep sleep", async () => {
      const id = await created(language);
      expect(await run(id, code.binds)).toMatchObject(printed(""));
      expect(await run(id, code.changes)).toMatchObject({ status: 200, json: { exit_code: 0 } });
      expect(await run(id, code.prints)).toMatchObject(printed("a,b y\n"));
      const failed = await run(id, code.fails);
      expect(failed).toMatchObject({ status: 200, json: { exit_code: 1 } });
      expect(failed.json.stderr).toContain(code.error);
      expect(await run(id, code.loops, { timeout: 2 })).toMatchObject({ status: 408, json: { exit_code: 124 } });
      expect(await run(id, code.prints)).toMatchObject(printed("a,b y\n"));
      await client.request("POST", `/sessions/${id}/sleep`);
      expect(await run(id, code.prints)).toMatchObject(printed("a,b y\n"));
    });

    test("a stream tells what is printed, and the error at the end of what goes to stderr", async () => {
      const id = await created(language);
      const response = await eraRequest(client, "POST", `/api/sessions/${id}/stream`, { json: { code: code.binds } });
      await response.text();
      const second = await eraRequest(client, "POST", `/api/sessions/${id}/stream`, {
        json: { code: `${code.prints}\n${code.fails}` },
      });
      const seen = [];
      for await (const { event, data } of events(second)) seen.push({ event, data: JSON.parse(data) });
      expect(seen.map(({ event }) => event)).toEqual(["stdout", "stderr", "done"]);
      expect(seen[0]?.data).toEqual({ type: "stdout", content: "a y\n" });
      expect(seen[1]?.data.content).toContain(code.error);
      expect(seen[2]?.data).toMatchObject({ exit_code: 1, session_id: id });
    });
  },
);

test("first runs that come at the same time share their variables", async () => {
  const id = await created("javascript");
  await Promise.all([run(id, "var one = 1"), run(id, "var two = 2"), run(id, "var three = 3")]);
  expect(await run(id, "console.log(one + two + three)")).toMatchObject(printed("6\n"));
});

test("variables of a run's environment are gone after it", async () => {
  const id = await created("javascript");
  expect(await run(id, "console.log(process.env.MINE)", { env: { MINE: "secret123" } })).toMatchObject(
    printed("secret123\n"),
  );
  expect(await run(id, "console.log(process.env.MINE)")).toMatchObject(printed("undefined\n"));
});

test("a duplicate has the variables as they were, and neither sees the other's from then on", async () => {
  const id = await created("javascript");
  const copy = newEraId(client);
  await run(id, "var count = 1");
  expect((await era(client, "POST", `/api/sessions/${id}/duplicate`, { json: { new_id: copy } })).status).toBe(201);
  await run(id, "count = 10");
  expect(await run(copy, "console.log(++count)")).toMatchObject(printed("2\n"));
  expect(await run(id, "console.log(count)")).toMatchObject(printed("10\n"));
});

test("without persistence they are gone after each run", async () => {
  const id = await created("javascript", { persistent: false });
  expect(await run(id, "var mine = 1; console.log(mine)")).toMatchObject(printed("1\n"));
  expect(await run(id, "console.log(typeof mine)")).toMatchObject(printed("undefined\n"));
});

test("the run after the interpreter has ended says that the variables are gone, once", async () => {
  const id = await created("javascript");
  await run(id, "var mine = 1");
  const ended = await run(id, "process.kill(process.pid, 'SIGKILL'); await new Promise(() => {})");
  expect(ended).toMatchObject({ status: 200, json: { exit_code: 137 } });
  expect(await run(id, "console.log(typeof mine)")).toMatchObject({
    status: 200,
    json: { stdout: "undefined\n", lost_variables: { reason: expect.any(String) } },
  });
  expect((await run(id, "1")).json).not.toHaveProperty("lost_variables");
});

describe.skipIf(!hasPython)("a run in an id that nobody has", () => {
  test("makes the session, and of many POSTs at the same time one completes it and keeps what it has", async () => {
    const id = newEraId(client);
    const runs = await Promise.all([
      run(id, "one = 1"),
      run(id, "open('made', 'w').close()", { update_data: { a: 1 } }),
    ]);
    expect(runs.map(({ status }) => status)).toEqual([200, 200]);
    expect((await era(client, "GET", `/api/sessions/${id}`)).json).toMatchObject({
      language: "python",
      persistent: true,
    });
    const create = { language: "python", session_id: id, data: { b: 2 }, metadata: { label: "x" } };
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => era(client, "POST", "/api/sessions", { json: create })),
    );
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409, 409]);
    expect((await era(client, "GET", `/api/sessions/${id}`)).json).toMatchObject({
      data: { a: 1, b: 2 },
      metadata: { label: "x" },
      file_count: 2,
    });
    expect(await run(id, "print(one)")).toMatchObject(printed("1\n"));
  });
});
