// Every other verb once, as people use it and as scripts do.
import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { newSession, platformOfRun, sharedSession } from "../support/e2e.ts";
import { until } from "../support/until.ts";
import { Session } from "../../src/contract/session.ts";
import { VERBS } from "../../src/cli/verbs.ts";
import { buntime, folder, json, start } from "./command.ts";

const platform = platformOfRun();
const session = sharedSession(platform);
const SES = /^ses_[0-9a-z]{20}\n$/;

describe("help", () => {
  test.each(Object.keys(VERBS))("%s explains itself, with examples", async (verb) => {
    const { code, stdout } = await buntime([verb, "--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: buntime /);
    if (!["sessions", "snapshots", "contexts", "keys", "files"].includes(verb))
      expect(stdout).toContain("Examples:\n  $ ");
  });

  test("a verb that is not known ends with 2 and a guess at what was meant", async () => {
    const { code, stderr } = await buntime(["sesions", "list"]);
    expect(code).toBe(2);
    expect(stderr).toContain("Did you mean sessions?");
    expect((await buntime(["sessions", "crate"])).stderr).toContain("Did you mean create?");
  });

  test("the version is the package's", async () => {
    const { version } = JSON.parse(readFileSync(path.join(import.meta.dirname, "../../package.json"), "utf8"));
    expect((await buntime(["--version"])).stdout).toBe(`${version}\n`);
  });
});

test("contexts keep what runs bind, show what they show, and end as their code does", async () => {
  const context = (await buntime(["contexts", "create", session.id, "--name", "steps"])).stdout.trim();
  const run = (...code: string[]): ReturnType<typeof buntime> =>
    buntime(["contexts", "run", session.id, context, ...code]);
  expect(await run("const a: number = 40")).toMatchObject({ code: 0, stdout: "" });
  expect(await run("console.log('sum'); a + 2")).toMatchObject({ code: 0, stdout: "sum\n42\n" });
  const failed = await run("missing");
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain("ReferenceError");
  expect((await buntime(["contexts", "list", session.id])).stdout).toMatch(new RegExp(`${context} +typescript +idle`));
  const deleted = await buntime(["contexts", "delete", session.id, context]);
  expect(deleted.stdout).toBe(`${context}\n`);
  expect((await run("a")).code).toBe(1);
});

describe("sessions", () => {
  test("are created, found, forked and deleted", async () => {
    const name = `cli-${Date.now()}`;
    const created = await buntime(["sessions", "create", "--name", name, "--ttl", "1h", "--metadata", `of=${name}`]);
    expect(created.stdout).toMatch(SES);
    const id = created.stdout.trim();
    expect(await json(["sessions", "info", name])).toMatchObject({ id, name, metadata: { of: name } });
    expect((await buntime(["sessions", "info", name])).stdout).toContain(id);
    const list = await buntime(["sessions", "list", "-q", "--metadata", `of=${name}`]);
    expect(list.stdout).toBe(`${id}\n`);
    expect((await buntime(["sessions", "list"])).stdout).toMatch(new RegExp(`ID +NAME.*\n[^]*${id} +${name}`));
    const forked = await buntime(["sessions", "fork", name]);
    expect(forked.stdout).toMatch(SES);
    const { stdout } = await buntime(["sessions", "delete", id, forked.stdout.trim()]);
    expect(stdout).toBe(`${id}\n${forked.stdout}`);
    expect((await buntime(["sessions", "info", id])).code).toBe(1);
  });

  test("are deleted, or revoked, though one among them cannot be; that one is told, and the exit code", async () => {
    const [a, b, c] = await Promise.all([1, 2, 3].map(() => platform.createSession()));
    const ids = [a, b, c].map((made) => made?.id ?? "");
    const told = await buntime(["sessions", "delete", ids[0] ?? "", "missing", ids[1] ?? "", "--json"]);
    expect(told).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^\{"error":\{"code":"session_not_found".*\n$/),
    });
    expect(JSON.parse(told.stdout)).toEqual({ deleted: [ids[0], ids[1]] });
    const plain = await buntime(["sessions", "delete", "missing", ids[2] ?? ""]);
    expect(plain).toMatchObject({ code: 1, stdout: `${ids[2]}\n`, stderr: expect.stringContaining("missing") });
    await buntime(["exec", session.id, "-c", "touch each-1 each-2"]);
    const files = await buntime(["files", "rm", session.id, "each-1", "each-missing", "each-2", "--json"]);
    expect(files).toMatchObject({ code: 1, stderr: expect.stringContaining("each-missing") });
    expect(JSON.parse(files.stdout)).toEqual({ deleted: ["each-1", "each-2"] });
    const { id } = await json(["keys", "create", "--scope", "sessions:read"]);
    const keys = await buntime(["keys", "revoke", "key_00000000000000000000", String(id), "--json"]);
    expect({ code: keys.code, ...JSON.parse(keys.stdout) }).toEqual({ code: 1, revoked: [id] });
  });

  test("are found by tags and words, and begin without a container where that is asked for", async () => {
    const tag = `cli-${Date.now()}`;
    const asked = ["--on-demand", "--tag", tag, "--tag", "second", "--description", "Report of the quarter"];
    const id = (await buntime(["sessions", "create", ...asked])).stdout.trim();
    const session = { id, state: "deep-sleep", tags: [tag, "second"], description: "Report of the quarter" };
    expect(await json(["sessions", "info", id])).toMatchObject(session);
    expect((await buntime(["sessions", "info", id])).stdout).toMatch(
      new RegExp(`tags +${tag}, second\ndescription +Report of the quarter`),
    );
    const found = async (...filter: string[]): Promise<string> =>
      (await buntime(["sessions", "list", "-q", "--tag", tag, ...filter])).stdout;
    expect(await found("--tag", "second", "--query", "QUARTER report")).toBe(`${id}\n`);
    expect([await found("--tag", "third"), await found("--query", "year")]).toEqual(["", ""]);
    expect((await buntime(["sessions", "delete", id])).code).toBe(0);
  });

  test("are created and forked without the internet where that is asked for, and forks are as their originals", async () => {
    const made = async (...words: string[]): Promise<string> => (await buntime(["sessions", ...words])).stdout.trim();
    const internetOf = async (id: string): Promise<unknown> =>
      (await platform.ask(Session, "GET", `/sessions/${id}`)).internet;
    const open = await made("create", "--on-demand");
    const closed = await made("create", "--on-demand", "--no-internet");
    const forks = [await made("fork", closed), await made("fork", open), await made("fork", open, "--no-internet")];
    const all = [open, closed, ...forks];
    expect(await Promise.all(all.map(internetOf))).toEqual([true, false, false, true, false]);
    expect((await buntime(["sessions", "info", closed])).stdout).toMatch(/^internet +no$/m);
    expect((await buntime(["sessions", "delete", ...all])).code).toBe(0);
  });

  test("are opened by their previews' addresses, private ones with a token", async () => {
    const hidden = await newSession(platform, { preview: "private" });
    const [open, port, withToken] = await Promise.all([
      buntime(["sessions", "open", session.id]),
      buntime(["sessions", "open", session.id, "--port", "3000"]),
      json(["sessions", "open", hidden.id]),
    ]);
    const label = session.id.replace("_", "-");
    expect(open.stdout).toMatch(new RegExp(`^http://${label}\\.`));
    expect(port.stdout).toMatch(new RegExp(`^http://${label}-3000\\.`));
    expect(withToken["url"]).toContain("token=btp_");
  });
});

describe("what runs", () => {
  test("a program in the background is listed, followed and ended", async () => {
    const line = "for i in 1 2 3; do echo line $i; sleep 0.1; done; echo to stderr >&2; exec sleep 62.5";
    const { stdout } = await buntime(["exec", "-d", session.id, "-c", line]);
    const executionId = stdout.trim();
    const following = start(["logs", session.id, executionId, "-f"]);
    await following.printed("line 3");
    const { processes } = await json(["ps", session.id]);
    // SAFETY: as the contract has it.
    const running = processes as { pid: number; executionId: string }[];
    const pid = running.find((one) => one.executionId === executionId)?.pid ?? 0;
    expect((await buntime(["ps", session.id])).stdout).toContain(executionId);
    expect((await buntime(["kill", session.id])).code).toBe(2);
    expect(await json(["kill", session.id, String(pid), "-s", "kill"])).toEqual({ killed: 1, pids: [pid] });
    expect(await following.ended()).toMatchObject({
      code: 0,
      stdout: "line 1\nline 2\nline 3\n",
      stderr: "to stderr\n",
    });
    const again = await buntime(["logs", session.id, executionId]);
    expect(again).toMatchObject({ stdout: "line 1\nline 2\nline 3\n", stderr: "to stderr\n" });
    expect((await buntime(["logs", session.id])).stdout).toMatch(new RegExp(`${executionId}.*SIGKILL`));
    const pieces = (await buntime(["logs", session.id, executionId, "--json"])).stdout.trimEnd().split("\n");
    expect(pieces.map((piece) => JSON.parse(piece).stream)).toContain("stderr");
  });
});

describe("snapshots", () => {
  test("are made, compared, restored and deleted", async () => {
    const own = (await newSession(platform)).id;
    const change = (line: string): Promise<unknown> => buntime(["exec", own, "-c", line]);
    await change("echo one > a; echo gone > b");
    const first = (await buntime(["snapshots", "create", own, "--label", "first"])).stdout.trim();
    expect(first).toMatch(/^snp_/);
    await change("echo two > a; rm b; echo new > 'c\nd'");
    const second = (await buntime(["snapshots", "create", own])).stdout.trim();
    expect((await buntime(["snapshots", "diff", own, first, second])).stdout).toBe("M a\nD b\nA c\\nd\n");
    expect((await buntime(["snapshots", "list", own])).stdout).toMatch(new RegExp(`${second}[^]*${first}.*first`));
    const restored = await buntime(["snapshots", "restore", own, first]);
    expect(restored.stderr).toContain("To undo: buntime snapshots restore");
    expect((await buntime(["files", "cat", own, "a"])).stdout).toBe("one\n");
    expect((await buntime(["snapshots", "delete", own, first])).stdout).toBe(`${first}\n`);
  });
});

describe("the account", () => {
  test("its keys are made, used, rotated and revoked", async () => {
    const made = await json([
      "keys",
      "create",
      "--name",
      "of a test",
      "--scope",
      "sessions:read",
      "--expires-in",
      "1h",
    ]);
    const id = String(made["id"]);
    const use = (key: unknown): Promise<{ code: number | null }> =>
      buntime(["sessions", "list"], { env: { BUNTIME_API_KEY: String(key) } });
    expect((await use(made["key"])).code).toBe(0);
    expect((await buntime(["keys", "list"])).stdout).toMatch(new RegExp(`${id} +of a test.*sessions:read`));
    const rotated = (await buntime(["keys", "rotate", id])).stdout.trim();
    expect((await use(made["key"])).code).toBe(1);
    expect((await use(rotated)).code).toBe(0);
    expect((await buntime(["keys", "revoke", id])).stdout).toBe(`${id}\n`);
    expect((await use(rotated)).code).toBe(1);
  });

  test("its usage is shown by day and by session", async () => {
    expect((await buntime(["usage"])).stdout).toMatch(/^DAY +ACTIVE[^]*\ntotal /);
    expect(await json(["usage", "--by", "session"])).toMatchObject({ by: "session", totals: expect.any(Object) });
  });

  test("its events are followed, a line each", async () => {
    const following = start(["events", "--type", "session.created", "--json", "-n", "1"]);
    const made: string[] = [];
    // Those that happen before it listens are not told.
    await until(
      "an event",
      async () => {
        made.push((await platform.createSession()).id);
        return following.stdout.includes("\n");
      },
      { deadlineMs: 40_000 },
    );
    const { code, stdout } = await following.ended();
    expect(code).toBe(0);
    expect(made).toContain(JSON.parse(stdout).sessionId);
    await Promise.all(made.map((id) => platform.request("DELETE", `/sessions/${id}`)));
  });
});

describe("login", () => {
  const address = `${platform.url.origin}/api`;
  const none = { BUNTIME_API_KEY: undefined, BUNTIME_BASE_URL: undefined };

  test("stores a key that nobody else can read, and verbs find it", async () => {
    const env = { ...none, XDG_CONFIG_HOME: folder() };
    const file = path.join(env.XDG_CONFIG_HOME, "buntime/config.json");
    // The main host's address will do: the API is found below it.
    const stored = await buntime(["login", "--base-url", platform.url.origin], { env, input: `${platform.apiKey}\n` });
    expect(stored.code).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
    expect(stored.stderr).not.toContain(platform.apiKey);
    expect((await buntime(["sessions", "list"], { env })).code).toBe(0);
    // The environment wins over it, and a profile that is named over that.
    const wrong = { ...env, BUNTIME_API_KEY: "btk_wrongwrongwrongwrong" };
    expect((await buntime(["sessions", "list"], { env: wrong })).code).toBe(1);
    expect((await buntime(["sessions", "list", "--profile", "default"], { env: wrong })).code).toBe(0);
    expect((await buntime(["sessions", "list", "--profile", "other"], { env })).code).toBe(2);
  });

  test("a key that does not open the API is not stored", async () => {
    const env = { ...none, XDG_CONFIG_HOME: folder() };
    const { code, stderr } = await buntime(["login", "--base-url", address], {
      env,
      input: "btk_wrongwrongwrongwrong\n",
    });
    expect({ code, hint: stderr.includes("BUNTIME_API_KEY") }).toEqual({ code: 1, hint: true });
    const after = await buntime(["sessions", "list"], { env });
    expect(after).toMatchObject({ code: 2, stderr: expect.stringContaining("buntime login") });
  });

  test("a configuration that is broken is told by its name, and is not overwritten", async () => {
    const env = { ...none, XDG_CONFIG_HOME: folder() };
    await buntime(["login", "--base-url", address], { env, input: platform.apiKey });
    const file = path.join(env.XDG_CONFIG_HOME, "buntime/config.json");
    writeFileSync(file, "{");
    const { code, stderr } = await buntime(["login", "--base-url", address], { env, input: platform.apiKey });
    expect({ code, named: stderr.includes(file) }).toEqual({ code: 1, named: true });
    expect(readFileSync(file, "utf8")).toBe("{");
  });
});

test("a platform that is not there is told at once, with what to do", async () => {
  const env = { BUNTIME_BASE_URL: "http://127.0.0.1:9/api" };
  const { code, stderr } = await buntime(["sessions", "list"], { env });
  expect({ code, hint: stderr.includes("buntime dev") }).toEqual({ code: 1, hint: true });
});

test("dev runs a whole platform until Ctrl-C", { timeout: 180_000 }, async () => {
  const env = { BUNTIME_DATA_DIR: path.join(folder(), "data"), PORT: "0" };
  const running = start(["dev"], { env });
  await running.printed("buntime ready http://localhost:", { deadlineMs: 120_000 });
  running.child.kill("SIGINT");
  expect((await running.ended()).code).toBe(0);
});
