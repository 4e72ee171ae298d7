// ERA's API, route by route.
import { beforeAll, describe, expect, test } from "vitest";
import { Session, SessionList } from "../../src/contract/session.ts";
import { events } from "../../scripts/client.ts";
import { newSession, platformOfRun } from "../support/e2e.ts";
import { era, eraRequest, newEraId } from "../support/era.ts";
import type { EraAnswer } from "../support/era.ts";
import { until } from "../support/until.ts";

const client = platformOfRun();
const SLOW = { deadlineMs: 40_000 };

const create = (id: string, more: object = {}): Promise<EraAnswer> =>
  era(client, "POST", "/api/sessions", { json: { language: "node", session_id: id, ...more } });
const run = (id: string, body: object): Promise<EraAnswer> =>
  era(client, "POST", `/api/sessions/${id}/run`, { json: body });
const get = (id: string, path = ""): Promise<EraAnswer> => era(client, "GET", `/api/sessions/${id}${path}`);
const stateOf = async (id: string): Promise<string> => (await client.ask(Session, "GET", `/sessions/${id}`)).state;

async function created(more: object = {}): Promise<string> {
  const id = newEraId(client);
  const { status, json } = await create(id, more);
  if (status !== 201) throw new Error(`${status}: ${JSON.stringify(json)}`);
  return id;
}

/** For tests that leave it as it is. */
const shared = `era-shared-${Date.now()}`;
beforeAll(async () => {
  await create(shared);
  return async () => void (await era(client, "DELETE", `/api/sessions/${shared}`));
});

/** With what is asked for in `error` of both kinds of clients. */
function refusal(status: number, code: string) {
  const text = expect.any(String);
  return { status, json: { error: text, message: text, code } };
}

describe("creating", () => {
  test("gives the whole record, and an id of its own where none was given", async () => {
    const { status, json } = await era(client, "POST", "/api/sessions", {
      json: { language: "node", metadata: { version: "1.0" }, data: { user: "a" }, default_timeout: 60 },
    });
    await era(client, "DELETE", `/api/sessions/${json.id}`);
    expect(status).toBe(201);
    expect(json).toMatchObject({
      id: expect.stringMatching(/^sess_\d{13}_[0-9a-z]{6}$/),
      created_at: expect.stringMatching(/^\d{4}-/),
      language: "node",
      persistent: true,
      metadata: { version: "1.0" },
      data: { user: "a" },
      default_timeout: 60,
      allowInternetAccess: true,
      allowPublicAccess: true,
    });
  });

  test("an id is taken until its session is deleted, and then free for a new one", async () => {
    const id = await created({ data: { from: "first" } });
    expect(await create(id)).toMatchObject({ ...refusal(409, "conflict"), json: { id } });
    expect(await era(client, "DELETE", `/api/sessions/${id}`)).toMatchObject({
      status: 200,
      json: { success: true, id, deleted_at: expect.any(String) },
    });
    expect(await get(id)).toMatchObject(refusal(404, "session_not_found"));
    expect(await era(client, "DELETE", `/api/sessions/${id}`)).toMatchObject(refusal(404, "session_not_found"));
    expect((await create(id)).json.data).toEqual({});
  });

  test("of many that want one id at the same time one gets it", async () => {
    const id = newEraId(client);
    const answers = await Promise.all(Array.from({ length: 5 }, () => create(id)));
    expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([
      201, 409, 409, 409, 409,
    ]);
  });

  test.each([
    [{ language: "ruby" }],
    [{ language: undefined }],
    [{ session_id: "ses_00000000000000000000" }],
    [{ session_id: "ses-x" }],
    [{ session_id: "prod:user:1" }],
    [{ session_id: "x".repeat(65) }],
    [{ session_id: "" }],
    [{ default_timeout: 0 }],
    [{ default_timeout: 301 }],
    [{ allowInternetAccess: "no" }],
    [{ data: [] }],
    [{ data: { big: "x".repeat(1024 * 1024) } }],
    [{ metadata: { big: "x".repeat(16_384) } }],
    [{ setup: { pip: ["--index-url=http://x"] } }],
    [{ setup: { npm: ["a b"] } }],
    [{ setup: { gem: ["x"] } }],
    [{ unknown: 1 }],
  ])("%j is refused, and nothing is created", async (more) => {
    const id = newEraId(client);
    expect(await create(id, more)).toMatchObject(refusal(400, "invalid_request"));
    expect((await get(id)).status).toBe(404);
  });

  test("a session that was made otherwise is neither shown nor used, and its name is taken", async () => {
    const id = newEraId(client);
    await newSession(client, { name: id });
    expect(await get(id)).toMatchObject(refusal(404, "session_not_found"));
    expect(await run(id, { code: "1" })).toMatchObject(refusal(404, "session_not_found"));
    expect(await create(id)).toMatchObject(refusal(409, "conflict"));
    expect((await era(client, "DELETE", `/api/sessions/${id}`)).status).toBe(404);
    const { json } = await era(client, "GET", "/api/sessions");
    expect(json.sessions.map((session: { id: string }) => session.id)).not.toContain(id);
  });
});

describe("looking and changing", () => {
  test("a list has what is documented of each session", async () => {
    const id = await created();
    const { status, json } = await era(client, "GET", "/api/sessions");
    expect(status).toBe(200);
    expect(json.count).toBe(json.sessions.length);
    const found = json.sessions.find((session: { id: string }) => session.id === id);
    expect(found).toMatchObject({ id, language: "node", persistent: true, last_run_at: expect.any(String) });
    expect((await era(client, "GET", "/api/sessions?limit=1")).json.sessions).toHaveLength(1);
  });

  test("settings can be changed one by one, and are what the next look tells", async () => {
    const id = await created({ metadata: { a: 1 } });
    expect(
      await era(client, "PATCH", `/api/sessions/${id}`, { json: { default_timeout: 120, allowPublicAccess: false } }),
    ).toMatchObject({
      status: 200,
      json: { success: true, id, metadata: { default_timeout: 120, allowPublicAccess: false, metadata: { a: 1 } } },
    });
    await era(client, "PATCH", `/api/sessions/${id}`, { json: { metadata: { b: 2 } } });
    expect((await get(id)).json).toMatchObject({
      default_timeout: 120,
      allowPublicAccess: false,
      metadata: { b: 2 },
    });
  });

  test("a session has no internet access where it is not allowed, from its beginning or from a change on", async () => {
    const look = `fetch("https://example.com").then(() => 1, ({ message }) => console.log("no", process.env.HTTPS_PROXY ?? ""))`;
    const closed = await created({ allowInternetAccess: false });
    expect((await get(closed)).json.allowInternetAccess).toBe(false);
    expect((await run(closed, { code: look })).json.stdout).toBe("no \n");
    const opened = await era(client, "PATCH", `/api/sessions/${closed}`, { json: { allowInternetAccess: true } });
    expect(opened.json.metadata.allowInternetAccess).toBe(true);
    expect(await stateOf(closed)).toBe("deep-sleep");

    const { json } = await era(client, "POST", `/api/sessions/${closed}/duplicate`, {
      json: { new_id: newEraId(client) },
    });
    await era(client, "PATCH", `/api/sessions/${json.id}`, { json: { allowInternetAccess: false } });
    expect((await run(json.id, { code: look })).json.stdout).toBe("no \n");
    expect((await get(closed)).json.allowInternetAccess).toBe(true);
  });

  test("a session that a run has made is cut off when it is completed so, before its setup begins", async () => {
    const id = newEraId(client);
    expect((await run(id, { code: "print(1)" })).json.exit_code).toBe(0);
    const { status, json } = await create(id, {
      allowInternetAccess: false,
      setup: { commands: ["echo $HTTPS_PROXY > proxy.txt"] },
    });
    expect([status, json.allowInternetAccess]).toEqual([201, false]);
    const completed = await until("the setup has ended", async () => {
      const { json: now } = await get(id);
      return now.setup_status === "completed" && now;
    });
    expect(completed.setup_result).toMatchObject({ success: true });
    expect(
      (await run(id, { code: `console.log(require("fs").readFileSync("proxy.txt", "utf8").trim())` })).json,
    ).toMatchObject({ stdout: "\n" });
  });

  test.each([{ default_timeout: -1 }, { default_timeout: 600 }, { allowInternetAccess: "no" }, { language: "go" }])(
    "a change to %j is refused, and changes nothing",
    async (json) => {
      const refused = await era(client, "PATCH", `/api/sessions/${shared}`, { json });
      expect(refused).toMatchObject(refusal(400, "invalid_request"));
      expect((await get(shared)).json).toMatchObject({
        default_timeout: null,
        allowInternetAccess: true,
        language: "node",
      });
    },
  );
});

describe("running", () => {
  test("an answer has both spellings of what the documents spell in two ways", async () => {
    const id = await created();
    const { status, json } = await run(id, {
      code: `console.log("out"); console.error("err"); require("fs").writeFileSync("a.txt", "a"); process.exit(3)`,
    });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      exit_code: 3,
      stdout: "out\n",
      stderr: "err\n",
      duration: expect.stringMatching(/^\d+\.\d{3}s$/),
      execution_time_ms: expect.any(Number),
      files_modified: 1,
      session_id: id,
      data: {},
    });
  });

  test("variables of a run are for that run, and ERA's own win over them", async () => {
    const id = await created();
    const code =
      "const { MINE, ERA_SESSION_ID, ERA_SESSION, ERA_LANGUAGE, ERA_BASE_URL } = process.env;" +
      "console.log(JSON.stringify({ MINE, ERA_SESSION_ID, ERA_SESSION, ERA_LANGUAGE, ERA_BASE_URL }))";
    const { json } = await run(id, { code, env: { MINE: "secret123", ERA_SESSION_ID: "forged" } });
    expect(JSON.parse(json.stdout)).toEqual({
      MINE: "secret123",
      ERA_SESSION_ID: id,
      ERA_SESSION: "true",
      ERA_LANGUAGE: "node",
      ERA_BASE_URL: new URL("/era", client.url).href,
    });
    expect(JSON.parse((await run(id, { code })).json.stdout)).not.toHaveProperty("MINE");
  });

  test("a run that takes too long is a 408 with what it had printed", async () => {
    const id = await created();
    const code = `console.log("begun"); setTimeout(() => {}, 600_000)`;
    expect(await run(id, { code, timeout_ms: 1500 })).toMatchObject({
      ...refusal(408, "execution_timeout"),
      json: { exit_code: 124, stdout: "begun\n", timed_out: true, session_id: id, data: {} },
    });
    expect((await run(id, { code: "console.log(1)" })).json.stdout).toBe("1\n");
  });

  test("a time-out in seconds and one in milliseconds must not contradict each other", async () => {
    expect(await run(shared, { code: "1", timeout: 1, timeout_ms: 2000 })).toMatchObject(
      refusal(400, "invalid_request"),
    );
    expect((await run(shared, { code: "1", timeout: 20, timeout_ms: 20_000 })).status).toBe(200);
  });

  test("data is merged before a run, which sees it, and is what the code has made of it afterwards", async () => {
    const id = await created({ data: { kept: 1, changed: 1 } });
    const code = `const fs = require("fs"); const data = JSON.parse(fs.readFileSync(".session_data.json", "utf8"));
      console.log(JSON.stringify(data)); fs.writeFileSync(".session_data.json", JSON.stringify({ ...data, byCode: 3 }));`;
    const { json } = await run(id, { code, update_data: { changed: 2 } });
    expect(JSON.parse(json.stdout)).toEqual({ kept: 1, changed: 2 });
    expect(json.data).toEqual({ kept: 1, changed: 2, byCode: 3 });
    expect((await get(id)).json.data).toEqual(json.data);
  });

  test("runs at the same time lose nothing of each other's data", async () => {
    const id = await created();
    const names = ["a", "b", "c", "d"];
    await Promise.all(names.map((name) => run(id, { code: "1", update_data: { [name]: 1 } })));
    expect((await get(id)).json.data).toEqual({ a: 1, b: 1, c: 1, d: 1 });
  });

  test("data that code has left as no JSON object is null, and begins anew when it is updated", async () => {
    const id = await created({ data: { a: 1 } });
    const broken = await run(id, { code: `require("fs").writeFileSync(".session_data.json", "{oops")` });
    expect(broken.json.data).toBeNull();
    expect((await run(id, { code: "1", update_data: { b: 2 } })).json.data).toEqual({ b: 2 });
  });

  test("files stay from run to run, and so do deletions", async () => {
    const id = await created();
    await run(id, { code: `require("fs").writeFileSync("x.txt", "x"); require("fs").writeFileSync("y.txt", "y")` });
    await run(id, { code: `require("fs").rmSync("x.txt")` });
    const { json } = await get(id, "/files");
    expect(json.files.map(({ path }: { path: string }) => path)).toEqual([".session_data.json", "y.txt"]);
    const seen = await run(id, { code: `console.log(require("fs").existsSync("x.txt"))` });
    expect(seen.json.stdout).toBe("false\n");
  });

  test("without persistence a run leaves neither files nor a session behind, only its data", async () => {
    const id = await created({ persistent: false });
    await era(client, "PUT", `/api/sessions/${id}/files/given.txt`, { body: "given" });
    const code = `const fs = require("fs"); console.log(fs.readdirSync(".").filter((name) => name.endsWith(".txt")).join());
      fs.writeFileSync("left.txt", ""); fs.writeFileSync(".session_data.json", JSON.stringify({ runs: 1 }));`;
    expect((await run(id, { code })).json).toMatchObject({ stdout: "given.txt\n", data: { runs: 1 } });
    expect((await run(id, { code })).json).toMatchObject({ stdout: "given.txt\n" });
    expect((await get(id)).json).toMatchObject({ data: { runs: 1 }, persistent: false });
    expect((await client.ask(SessionList, "GET", "/sessions?tag=era-copy")).total).toBe(0);
  });

  /** `code` begins in its copy of the session, and goes on with `then` when `meanwhile` is done. */
  async function runDuring(id: string, meanwhile: () => Promise<unknown>, then: string): Promise<EraAnswer> {
    const code = `const fs = require("fs"), file = ".session_data.json"; console.log("begun");
      const data = () => JSON.parse(fs.readFileSync(file, "utf8")), save = (to) => fs.writeFileSync(file, JSON.stringify(to));
      const waiting = setInterval(() => { if (fs.existsSync("go")) { clearInterval(waiting); ${then} } }, 5);`;
    const ran = run(id, { code });
    const copy = await until("the copy is there", async () => {
      const { sessions } = await client.ask(SessionList, "GET", "/sessions?tag=era-copy");
      return sessions[0] ?? false;
    });
    await meanwhile();
    await client.request("PUT", `/sessions/${copy.id}/files/go`, { body: "" });
    return ran;
  }

  test("without persistence a run undoes nothing of what others make of the data meanwhile", async () => {
    const id = await created({ persistent: false, data: { kept: 1, gone: 1, both: 1 } });
    const other = (): Promise<EraAnswer> => run(id, { code: "1", update_data: { other: 2, both: 2 } });
    const then = "const { gone, ...left } = data(); save({ ...left, own: 3 })";
    expect((await runDuring(id, other, then)).json).toMatchObject({ exit_code: 0, data: { kept: 1, own: 3 } });
    expect((await get(id)).json.data).toEqual({ kept: 1, both: 2, other: 2, own: 3 });
  });

  test("without persistence, data that code has left as no JSON object is null, and the session's stays", async () => {
    const id = await created({ persistent: false, data: { a: 1 } });
    const broken = await run(id, { code: `require("fs").writeFileSync(".session_data.json", "{oops")` });
    expect(broken.json).toMatchObject({ exit_code: 0, data: null });
    expect(broken.json).not.toHaveProperty("data_error");
    expect((await get(id)).json.data).toEqual({ a: 1 });
  });

  test("without persistence, data that has no room beside that of others is told to be lost", async () => {
    const id = await created({ persistent: false });
    const half = "x".repeat(600 * 1024);
    const other = (): Promise<EraAnswer> => run(id, { code: "1", update_data: { other: half } });
    const answer = await runDuring(id, other, `save({ own: "x".repeat(600 * 1024) })`);
    expect(answer.json).toMatchObject({
      exit_code: 0,
      stdout: "begun\n",
      data: null,
      data_error: { code: "invalid_request", message: expect.stringContaining("larger") },
    });
    expect((await get(id)).json.data).toEqual({ other: half });
  });

  test("stored code is run where none is given, and one that is given leaves it as it is", async () => {
    const id = await created();
    expect(await run(id, {})).toMatchObject(refusal(400, "invalid_request"));
    expect(await get(id, "/code")).toMatchObject(refusal(404, "not_found"));
    const stored = await era(client, "PUT", `/api/sessions/${id}/code`, {
      json: { code: `console.log("stored")`, description: "v1" },
    });
    expect(stored).toMatchObject({ status: 200, json: { success: true, code_length: 21 } });
    expect((await get(id, "/code")).json).toEqual({
      code: `console.log("stored")`,
      description: "v1",
      updated_at: stored.json.updated_at,
      code_length: 21,
    });
    expect((await run(id, { code: `console.log("once")` })).json.stdout).toBe("once\n");
    expect((await run(id, {})).json.stdout).toBe("stored\n");
    expect((await get(id)).json.file_count).toBe(1);
  });

  test("what it had is there after deep sleep, and looking at it wakes nothing", async () => {
    const id = await created({ data: { a: 1 }, metadata: { label: "x" } });
    await run(id, { code: `require("fs").writeFileSync("kept.txt", "kept")`, update_data: { b: 2 } });
    await client.request("POST", `/sessions/${id}/sleep`);
    const { json } = await get(id);
    expect(json).toMatchObject({ data: { a: 1, b: 2 }, metadata: { label: "x" }, file_count: 2 });
    expect((await eraRequest(client, "GET", `/api/sessions/${id}/files/kept.txt`)).status).toBe(200);
    expect(await stateOf(id)).toBe("deep-sleep");
    const { json: awake } = await run(id, { code: `console.log(require("fs").readFileSync("kept.txt", "utf8"))` });
    expect(awake).toMatchObject({ stdout: "kept\n", data: { a: 1, b: 2 } });
  });
});

describe("execute", () => {
  test.each(["node", "nodejs", "js", "typescript"])(
    "runs %s in a session that is gone afterwards",
    async (language) => {
      const { status, json } = await era(client, "POST", "/api/execute", {
        json: { language, code: "console.log(process.env.ERA_SESSION_ID)", timeout_ms: 20_000 },
      });
      expect(status).toBe(200);
      expect(json).toMatchObject({ exit_code: 0, session_id: expect.stringMatching(/^sess_/), vm_id: json.session_id });
      expect(json.stdout).toBe(`${json.session_id}\n`);
      expect((await get(json.session_id)).status).toBe(404);
    },
  );

  test("tells a failure of the program, a time-out and a missing member apart", async () => {
    const execute = (json: object): Promise<EraAnswer> => era(client, "POST", "/api/execute", { json });
    expect(await execute({ language: "node", code: "process.exit(7)" })).toMatchObject({
      status: 200,
      json: { exit_code: 7 },
    });
    expect(await execute({ language: "node", code: "for (;;);", timeout: 1 })).toMatchObject(
      refusal(408, "execution_timeout"),
    );
    expect(await execute({ language: "node" })).toMatchObject(refusal(400, "invalid_request"));
    expect(await execute({ code: "1" })).toMatchObject(refusal(400, "invalid_request"));
  });
});

describe("stream", () => {
  async function streamed(id: string, body: object): Promise<{ event: string; data: Record<string, unknown> }[]> {
    const response = await eraRequest(client, "POST", `/api/sessions/${id}/stream`, { json: body });
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const seen = [];
    for await (const { event, data } of events(response)) seen.push({ event, data: JSON.parse(data) });
    return seen;
  }

  test("tells output as it comes and how it ended at last, with the data", async () => {
    const id = await created();
    const code = `console.log("one"); setTimeout(() => { console.error("two"); process.exitCode = 4 }, 200)`;
    const seen = await streamed(id, { code, update_data: { a: 1 } });
    expect(seen.map(({ event }) => event)).toEqual(["stdout", "stderr", "done"]);
    expect(seen.map(({ data }) => data["type"])).toEqual(["stdout", "stderr", "done"]);
    expect(seen[0]?.data).toEqual({ type: "stdout", content: "one\n" });
    expect(seen[2]?.data).toMatchObject({ exit_code: 4, duration: expect.any(String), session_id: id, data: { a: 1 } });
  });

  test("a time-out is how it ended, and a refusal before the start is no stream", async () => {
    const id = await created();
    const seen = await streamed(id, { code: "for (;;);", timeout: 1 });
    expect(seen.at(-1)).toMatchObject({ event: "done", data: { exit_code: 124, timed_out: true } });
    expect(await era(client, "POST", `/api/sessions/${id}/stream`, { json: {} })).toMatchObject(
      refusal(400, "invalid_request"),
    );
  });

  test("without persistence the copy is gone when the stream has ended", async () => {
    const id = await created({ persistent: false });
    const seen = await streamed(id, { code: `require("fs").writeFileSync("x", ""); console.log(1)` });
    expect(seen.at(-1)).toMatchObject({ event: "done", data: { exit_code: 0 } });
    expect((await get(id)).json.files.map(({ path }: { path: string }) => path)).toEqual([".session_data.json"]);
  });
});

describe("duplicate", () => {
  test("copies files, stored code, data and settings; neither session sees the other's changes", async () => {
    const id = await created({ data: { a: 1 }, metadata: { label: "x" } });
    const copy = newEraId(client);
    await run(id, { code: `require("fs").writeFileSync("f.txt", "before")` });
    await era(client, "PUT", `/api/sessions/${id}/code`, { json: { code: "console.log(9)" } });
    expect(await era(client, "POST", `/api/sessions/${id}/duplicate`, { json: { new_id: copy } })).toMatchObject({
      status: 201,
      json: { id: copy, source_session_id: id, language: "node", data: { a: 1 }, metadata: { label: "x" } },
    });
    await run(id, { code: `require("fs").writeFileSync("f.txt", "after")` });
    const seen = await run(copy, { code: `console.log(require("fs").readFileSync("f.txt", "utf8"))` });
    expect(seen.json.stdout).toBe("before\n");
    expect((await run(copy, {})).json.stdout).toBe("9\n");
    expect(await create(copy)).toMatchObject(refusal(409, "conflict"));
  });

  test("takes other data and another spelling, makes a name where none is given, and refuses one that is taken", async () => {
    const id = await created({ data: { a: 1 } });
    const copy = newEraId(client);
    const duplicate = (json: object): Promise<EraAnswer> =>
      era(client, "POST", `/api/sessions/${id}/duplicate`, { json });
    expect((await duplicate({ id: copy, data: { b: 2 } })).json).toMatchObject({ id: copy, data: { b: 2 } });
    expect((await get(id)).json.data).toEqual({ a: 1 });
    expect(await duplicate({ new_id: copy })).toMatchObject(refusal(409, "conflict"));
    const unnamed = await duplicate({});
    expect(unnamed.json.id).toMatch(new RegExp(`^${id}-copy-\\d{13}$`));
    await era(client, "DELETE", `/api/sessions/${unnamed.json.id}`);
    expect((await era(client, "POST", "/api/sessions/nobody-there/duplicate", { json: {} })).status).toBe(404);
  });
});

describe("files", () => {
  test("bytes go in and come out as they are, and are there for the next run", async () => {
    const id = await created();
    const bytes = Uint8Array.from({ length: 1024 }, (_, index) => index % 256);
    const headers = { "content-type": "application/octet-stream" };
    const put = await era(client, "PUT", `/api/sessions/${id}/files/in/b%20c.bin`, { body: bytes, headers });
    expect(put).toMatchObject({ status: 200, json: { path: "in/b c.bin", size: 1024 } });
    const back = await eraRequest(client, "GET", `/api/sessions/${id}/files/in/b%20c.bin`);
    expect(new Uint8Array(await back.arrayBuffer())).toEqual(bytes);
    const part = await eraRequest(client, "GET", `/api/sessions/${id}/files/in/b%20c.bin`, {
      headers: { range: "bytes=1-2" },
    });
    expect([part.status, new Uint8Array(await part.arrayBuffer())]).toEqual([206, Uint8Array.of(1, 2)]);
    const seen = await run(id, { code: `console.log(require("fs").readFileSync("in/b c.bin").length)` });
    expect(seen.json.stdout).toBe("1024\n");
    expect(await era(client, "DELETE", `/api/sessions/${id}/files/in/b%20c.bin`)).toMatchObject({ status: 200 });
    expect(await get(id, "/files/in/b%20c.bin")).toMatchObject(refusal(404, "file_not_found"));
  });

  test("a listing has all files in both spellings, in pages where that is asked for", async () => {
    const id = await created();
    const code = `const fs = require("fs"); fs.mkdirSync("d"); for (let n = 0; n < 130; n++) fs.writeFileSync("d/" + n, "xy")`;
    await run(id, { code });
    const { json } = await get(id, "/files");
    expect(json).toMatchObject({ count: 131, total_count: 131, total_size_bytes: 262, truncated: false });
    expect(json.files[1]).toMatchObject({ path: "d/0", size: 2, modified_at: expect.any(String) });
    const page = await get(id, "/files?limit=10&offset=125");
    expect(page.json.files).toEqual(json.files.slice(125));
    expect((await get(id, "/files?limit=10")).json).toMatchObject({ count: 10, truncated: true });
  });

  test.each(["..%2F..%2Fetc%2Fpasswd", "a%00b", "%ff", "%2e%2e%2fx"])("%s is no file", async (path) => {
    expect(await get(shared, `/files/${path}`)).toMatchObject(refusal(400, "invalid_request"));
  });
});

describe("host and proxy", () => {
  const handler = `const { ERA_HTTP_METHOD: method, ERA_HTTP_PATH: path, ERA_HTTP_QUERY: query, ERA_HTTP_BODY: body } = process.env;
    const headers = JSON.parse(process.env.ERA_HTTP_HEADERS);
    if (path === "/text") console.log("plain"); else if (path === "/fail") process.exit(1);
    else console.log(JSON.stringify({ status: 201, headers: { "X-Mine": "1", "Set-Cookie": "a=b" },
      seen: { method, path, query, body, key: headers.authorization ?? null, mine: headers["x-mine"] } }));`;

  test("the host of a port is its preview, which a server in the session answers", async () => {
    const id = await created();
    const { json } = await get(id, "/host?port=3000");
    expect(json).toMatchObject({ session_id: id, port: 3000, base_url: json.url });
    expect(json.url).toMatch(/^http:\/\/ses-[0-9a-z]{20}-3000\./);
    expect(await get(id, "/host?port=0")).toMatchObject(refusal(400, "invalid_request"));
    expect(await get(id, "/host")).toMatchObject(refusal(400, "invalid_request"));
    const served = await run(id, {
      code: `require("http").createServer((q, r) => r.end("hello " + q.url)).listen(3000)`,
    });
    expect(served.json).toMatchObject({ background: true, exit_code: null });
    const { id: sessionId } = await client.ask(Session, "GET", `/sessions/${id}`);
    expect((await client.preview(sessionId, "/x", { port: 3000 })).statusCode).toBe(200);
  });

  test("a request to the proxy is a run of the stored code, whose JSON shapes the answer", async () => {
    const id = await created();
    await era(client, "PUT", `/api/sessions/${id}/code`, { json: { code: handler } });
    const answer = await era(client, "POST", `/proxy/${id}/8000/a%20b/c?d=e`, {
      body: "body",
      headers: { "x-mine": "yes", "content-type": "text/plain" },
    });
    expect(answer).toMatchObject({ status: 201, json: { status: 201 } });
    expect(answer.json.seen).toEqual({
      method: "POST",
      path: "/a%20b/c",
      query: "?d=e",
      body: "body",
      key: null,
      mine: "yes",
    });
    expect(answer.headers.get("x-mine")).toBe("1");
    expect(answer.headers.get("set-cookie")).toBeNull();
    expect(answer.headers.get("content-security-policy")).toBe("sandbox");
    const text = await eraRequest(client, "GET", `/proxy/${id}/8000/text`);
    expect([text.status, text.headers.get("content-type"), await text.text()]).toEqual([
      200,
      "text/plain; charset=utf-8",
      "plain\n",
    ]);
    expect((await eraRequest(client, "GET", `/proxy/${id}/8000/fail`)).status).toBe(500);
    const large = await era(client, "POST", `/proxy/${id}/8000/`, { body: "x".repeat(33_000) });
    expect(large).toMatchObject(refusal(413, "payload_too_large"));
  });

  test("without public access there is neither host nor proxy, and the preview wants a token", async () => {
    const id = await created({ allowPublicAccess: false });
    await era(client, "PUT", `/api/sessions/${id}/code`, { json: { code: handler } });
    expect(await get(id, "/host?port=8080")).toMatchObject(refusal(403, "forbidden"));
    expect(await era(client, "GET", `/proxy/${id}/8080/`)).toMatchObject(refusal(403, "forbidden"));
    const { id: sessionId } = await client.ask(Session, "GET", `/sessions/${id}`);
    expect((await client.preview(sessionId, "/")).statusCode).toBe(401);
    await era(client, "PATCH", `/api/sessions/${id}`, { json: { allowPublicAccess: true } });
    expect((await era(client, "GET", `/proxy/${id}/8080/`)).status).toBe(201);
  });
});

describe("setup", () => {
  const status = async (id: string): Promise<string> => (await get(id)).json.setup_status;

  test("runs its commands in order with its variables, which are stored nowhere, and tells what came of it", async () => {
    const id = await created({
      setup: { commands: ['echo "$TOKEN" > one', "cat one; echo two >> one"], envs: { TOKEN: "secret-of-setup" } },
    });
    await until("the setup has ended", async () => (await status(id)) === "completed", SLOW);
    const { json } = await get(id);
    expect(json).toMatchObject({
      setup: { commands: ['echo "$TOKEN" > one', "cat one; echo two >> one"] },
      setup_result: { success: true, duration_ms: expect.any(Number), stdout: "secret-of-setup\n", stderr: "" },
    });
    expect(json.setup_result.commands_run).toHaveLength(2);
    expect(json.setup).not.toHaveProperty("envs");
    const seen = await run(id, { code: `console.log(process.env.TOKEN, require("fs").readFileSync("one", "utf8"))` });
    expect(seen.json.stdout).toBe("undefined secret-of-setup\ntwo\n\n");
  });

  test("runs are refused while it goes on, and what it has made is there for the first one afterwards", async () => {
    const id = await created({ setup: { commands: ["until [ -e go ]; do sleep 0.05; done; echo done > result"] } });
    expect(["pending", "running"]).toContain(await status(id));
    await until("it runs", async () => (await status(id)) === "running", SLOW);
    expect(await run(id, { code: "1" })).toMatchObject(refusal(409, "conflict"));
    expect((await era(client, "POST", `/api/sessions/${id}/duplicate`, { json: {} })).status).toBe(409);
    await era(client, "PUT", `/api/sessions/${id}/files/go`, { body: "" });
    await until("the setup has ended", async () => (await status(id)) === "completed", SLOW);
    const seen = await run(id, { code: `console.log(require("fs").readFileSync("result", "utf8"))` });
    expect(seen.json.stdout).toBe("done\n\n");
  });

  test("the first step that fails ends it, and the session can be used all the same", async () => {
    const id = await created({ setup: { commands: ["echo 1 > one", "echo no >&2; exit 3", "echo 2 > two"] } });
    await until("the setup has ended", async () => (await status(id)) === "failed", SLOW);
    const { json } = await get(id);
    expect(json.setup_result).toMatchObject({ success: false, commands_run: ["echo 1 > one"], stderr: "no\n" });
    expect(json.setup_result.error).toContain("exit code 3");
    expect((await run(id, { code: `console.log(require("fs").existsSync("two"))` })).json.stdout).toBe("false\n");
  });

  test("one whose machine ends before it is done has failed", async () => {
    const id = await created({ setup: { commands: ["sleep 600"] } });
    await until("it runs", async () => (await status(id)) === "running", SLOW);
    await client.request("POST", `/sessions/${id}/sleep`);
    expect(await status(id)).toBe("failed");
    expect(await stateOf(id)).toBe("deep-sleep");
    expect((await run(id, { code: "console.log(1)" })).json.stdout).toBe("1\n");
  });
});

describe("hostile input", () => {
  const BODIES: readonly [string, string][] = [
    ["no JSON", "{"],
    ["an array", "[]"],
    ["text", '"x"'],
    ["a key twice", '{"code": "1", "code": "2"}'],
    ["a lone surrogate", '{"code": "\\ud800"}'],
    ["bottomless nesting", `{"data": ${"[".repeat(200)}${"]".repeat(200)}}`],
    ["an unknown member", '{"nobody": "knows"}'],
    ["a number for code", '{"code": 1, "language": 1, "session_id": 1, "default_timeout": "x", "new_id": 1}'],
    [
      "null bytes in variables",
      '{"code": "1", "env": {"A": "a\\u0000b"}, "language": "node", "metadata": 1, "data": 1}',
    ],
  ];
  const ROUTES: readonly [string, string][] = [
    ["POST", "/api/sessions"],
    ["PATCH", "/api/sessions/{id}"],
    ["POST", "/api/sessions/{id}/run"],
    ["POST", "/api/sessions/{id}/stream"],
    ["POST", "/api/sessions/{id}/duplicate"],
    ["PUT", "/api/sessions/{id}/code"],
    ["POST", "/api/execute"],
  ];

  test.each(BODIES)("%s is refused by every route that takes JSON", async (_, body) => {
    for (const [method, path] of ROUTES) {
      const answer = await era(client, method, path.replace("{id}", shared), { body });
      expect([method, path, answer]).toMatchObject([method, path, refusal(400, "invalid_request")]);
    }
  });

  test("a body that is too large, or not UTF-8, is refused", async () => {
    const large = JSON.stringify({ language: "node", code: "x".repeat(17 * 1024 * 1024) });
    expect(await era(client, "POST", "/api/execute", { body: large })).toMatchObject(refusal(413, "payload_too_large"));
    const body = Uint8Array.of(0x7b, 0xff, 0x7d);
    expect(await era(client, "POST", "/api/execute", { body })).toMatchObject(refusal(400, "invalid_request"));
  });

  test.each([
    ["GET", "/api/nothing", 404, "not_found"],
    ["GET", "/", 404, "not_found"],
    ["GET", "/api/sessions/a:b", 400, "invalid_request"],
    ["GET", "/api/sessions/ses_00000000000000000000", 400, "invalid_request"],
    ["PUT", "/api/sessions", 405, "method_not_allowed"],
    ["GET", "/api/execute", 405, "method_not_allowed"],
    ["GET", "/api/sessions?limit=x", 400, "invalid_request"],
    ["GET", "/api/sessions?limit=1&limit=2", 400, "invalid_request"],
    ["GET", "/proxy/nobody-there/80/x", 404, "session_not_found"],
    ["GET", "/proxy/nobody-there/0/x", 400, "invalid_request"],
    ["POST", "/api/sessions/nobody-there/duplicate", 404, "session_not_found"],
    ["PUT", "/api/sessions/nobody-there/files/x", 404, "session_not_found"],
  ])("%s %s is %i %s", async (method, path, status, code) => {
    expect(await era(client, method, path)).toMatchObject(refusal(status, code));
  });

  test("without a key there is nothing but health", async () => {
    const bare = (path: string): Promise<Response> => fetch(new URL(`/era${path}`, client.url));
    expect(await (await bare("/health")).json()).toMatchObject({ status: "healthy", timestamp: expect.any(String) });
    const refused = await bare("/api/sessions");
    expect([refused.status, await refused.json()]).toMatchObject([
      401,
      { code: "unauthorized", error: expect.any(String) },
    ]);
    expect((await bare("/proxy/x/80/")).status).toBe(401);
  });
});
