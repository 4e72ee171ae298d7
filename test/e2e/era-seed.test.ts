// The documentation of ERA's persistence, command by command and in its order, sent by curl itself. Only the address and a key
// are other than there.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { platformOfRun } from "../support/e2e.ts";
import { era } from "../support/era.ts";
import type { EraAnswer } from "../support/era.ts";
import { SEED_REQUESTS } from "../support/era-seed.ts";
import type { SeedRequest } from "../support/era-seed.ts";

const client = platformOfRun();
const SESSIONS = ["my-session", "session-a", "session-b", "app-session", "logger", "workflow", "cache-demo"];

/** Of the machine that sessions run on; null where it has no Python. */
const python = await pythonVersion();
/** Quotes inside an f-string that are those around it: https://docs.python.org/3/whatsnew/3.12.html#pep-701 */
const nestsQuotes = python !== null && python >= 312;

async function pythonVersion(): Promise<number | null> {
  const code = "import sys; print(sys.version_info[0] * 100 + sys.version_info[1])";
  const { status, json } = await era(client, "POST", "/api/execute", { json: { language: "python", code } });
  return status === 200 && json.exit_code === 0 ? Number(json.stdout) : null;
}

async function curl({ method, path, body }: SeedRequest): Promise<{ status: number; json: EraAnswer["json"] }> {
  const { stdout } = await promisify(execFile)("curl", [
    "-sS",
    ...(method === "GET" ? [] : ["-X", method]),
    new URL(`/era${path}`, client.url).href,
    "-H",
    `Authorization: Bearer ${client.apiKey}`,
    ...(body === null ? [] : ["-H", "Content-Type: application/json", "-d", body]),
    "-w",
    "\n%{http_code}",
  ]);
  const end = stdout.lastIndexOf("\n");
  return { status: Number(stdout.slice(end)), json: JSON.parse(stdout.slice(0, end)) };
}

const printed = (stdout: unknown) => ({ status: 200, json: { exit_code: 0, stdout, stderr: "" } });
const failed = (error: string) => ({ status: 200, json: { exit_code: 1, stderr: expect.stringContaining(error) } });
/** Of code that nests quotes. */
const nested = (expected: object): object => (nestsQuotes ? expected : failed("SyntaxError"));

const created = { user_id: "123", workspace: "analytics" };
const updated = { last_result: 42, computation_count: 1, updated_at: "2024-10-23T10:30:00Z" };

/** What becomes of each of SEED_REQUESTS, by its title. */
const EXPECTED: Readonly<Record<string, object>> = {
  "a first run in a session that nobody made": printed(""),
  "variables are there in a later run": nested(printed("Counter: 1, Score: 10\n")),
  "a run writes a file": printed(""),
  "a later run reads the file": printed('Config: {"setting": "value"}\n'),
  "a run imports modules": printed(""),
  "a later run uses them": printed(expect.stringMatching(/^\{"timestamp": "\d{4}-\d\d-\d\dT[\d:.]+"\}\n$/)),
  "creating completes the session": { status: 201, json: { id: "my-session", language: "python", data: created } },
  "looking at it": { status: 200, json: { id: "my-session", persistent: true, data: created } },
  "session A sets a variable": printed(""),
  "session B does not see it": failed("NameError: name 'shared_data' is not defined"),
  "a first execution": printed(""),
  "a second one begins anew": failed("NameError: name 'data' is not defined"),
  "a configuration is written": printed(""),
  "the configuration is read": nested(printed("API URL: https://api.example.com\n")),
  "a log is begun": printed(""),
  "a first entry": printed("Log entries: 1\n"),
  "a second entry": printed("Log entries: 2\n"),
  "a workflow is begun": printed("State: initialized\n"),
  "data is collected": printed("Data collected. State: data_collected\n"),
  "data is processed": printed("Average: 3.0. State: processed\n"),
  "the workflow is completed": printed("Workflow completed in 2 steps\n"),
  "a result is computed and cached": nested(printed("Computed and cached result\nResult: 499999500000\n")),
  "the cache is used": nested(printed("Cached result: 499999500000\n")),
  "data is updated by a run": { status: 200, json: { stdout: "Computed: 42\n", data: { ...created, ...updated } } },
  "looking at the data": { status: 200, json: { data: { ...created, ...updated } } },
  "a session is initialised": printed("Session initialized\n"),
  "data is begun or loaded": printed("Initialized new data\n"),
  // The file that it finds is the list of the command before.
  "data is migrated": nested(failed("AttributeError: 'list' object has no attribute 'get'")),
};

describe.skipIf(python === null).sequential("as documented", () => {
  const clean = (): Promise<unknown> => Promise.all(SESSIONS.map((id) => era(client, "DELETE", `/api/sessions/${id}`)));
  beforeAll(clean);
  afterAll(clean);

  test("nothing of the document is left out", () => {
    expect(SEED_REQUESTS.map(({ title }) => title)).toEqual(Object.keys(EXPECTED));
  });

  test.each(SEED_REQUESTS)("$title", async (request) => {
    expect(await curl(request)).toMatchObject(EXPECTED[request.title] ?? {});
  });

  test("a session that was completed is completed once", async () => {
    const create = SEED_REQUESTS.find(({ title }) => title === "creating completes the session");
    expect(create).toBeDefined();
    expect(await curl(create as SeedRequest)).toMatchObject({ status: 409, json: { code: "conflict" } });
    const kept = await era(client, "POST", "/api/sessions/my-session/run", {
      json: { code: "print(counter, result)" },
    });
    expect(kept.json.stdout).toMatch(/^[01] 42\n$/);
  });
});
