// The command line behind a network that fails and a platform that is busy or goes away: nothing runs twice, no output is
// lost, and there is always an end that says what is known.
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { platformOfRun, sharedSession } from "../support/e2e.ts";
import { httpAnswer, unsteadyProxy } from "../support/unsteady-proxy.ts";
import type { Fault, UnsteadyProxy } from "../support/unsteady-proxy.ts";
import { buntime, folder, json } from "./command.ts";
import type { Ran, RunOptions } from "./command.ts";

const platform = platformOfRun();
const session = sharedSession(platform);

const BUSY = httpAnswer(
  429,
  JSON.stringify({ error: { code: "rate_limit_exceeded", message: "Slow down.", details: {} } }),
  { "retry-after": "1" },
);
const AWAY = httpAnswer(503, "<html><h1>Service Unavailable</h1></html>", {
  "content-type": "text/html",
  "retry-after": "1",
});
const LATER = httpAnswer(503, "Closed for the day.", { "retry-after": "86400" });

const FAULTS: readonly (readonly [name: string, fault: Fault])[] = [
  ["the request is lost", { kind: "lose-request" }],
  ["the answer is lost", { kind: "lose-answer" }],
  ["the answer's head is cut", { kind: "cut", bytes: 40 }],
  ["the answer's body is cut", { kind: "cut", bytes: 700 }],
  ["a 429 comes back", { kind: "answer", text: BUSY }],
  ["a proxy's 503 comes back", { kind: "answer", text: AWAY }],
];
const GONE: Fault = { kind: "lose-request" };

const through = async (...args: Parameters<UnsteadyProxy["plan"]>): Promise<[UnsteadyProxy, RunOptions]> => {
  const proxy = await unsteadyProxy(platform.url);
  proxy.plan(...args);
  return [proxy, { env: { BUNTIME_BASE_URL: `${proxy.url.origin}/api` } }];
};

const newMark = (): string => `log-${crypto.randomUUID()}`;

async function timesRun(mark: string): Promise<number> {
  const { stdout } = await buntime(["files", "cat", session.id, mark]);
  return stdout.split("\n").length - 1;
}

const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const lines = (count: number): string => Array.from({ length: count }, (_, index) => `line ${index + 1}\n`).join("");

describe.each(FAULTS)("when %s", (_, fault) => {
  test("exec runs once, and gives all of its output and its exit code", async () => {
    const mark = newMark();
    const [proxy, options] = await through([fault]);
    const line = `echo x >> ${mark}; for i in $(seq 1 300); do echo line $i; done; exit 5`;
    const ran = await buntime(["exec", session.id, "-c", line], options);
    expect(ran).toMatchObject({ code: 5, stdout: lines(300), stderr: "" });
    expect({ times: await timesRun(mark), done: proxy.done }).toEqual({ times: 1, done: [fault] });
  });

  test("run does, too, in a session of its own that is gone afterwards", async () => {
    const [proxy, options] = await through([fault], /execute/);
    proxy.plan([fault], /^POST \S+sessions/);
    proxy.plan([fault], /^DELETE/);
    const input = "for (let i = 1; i <= 300; i++) console.log('line', i); process.exit(6)";
    expect(await buntime(["run", "-"], { ...options, input })).toMatchObject({
      code: 6,
      stdout: lines(300),
      stderr: "",
    });
    // The answer to a delete is shorter than what a cut leaves of it.
    expect(proxy.done.length).toBeGreaterThanOrEqual(2);
    const own = proxy.seen.find((line) => line.startsWith("DELETE"))?.match(/ses_\w+/)?.[0] ?? "";
    expect(own).toMatch(/^ses_/);
    expect(await buntime(["sessions", "info", own])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no such session"),
    });
  });

  test("a file is copied whole, there and back", async () => {
    const local = folder();
    const bytes = randomBytes(300_000);
    const name = crypto.randomUUID();
    writeFileSync(path.join(local, name), bytes);
    const [sending, there] = await through([fault], /^PUT/);
    expect(await buntime(["cp", path.join(local, name), `${session.id}:${name}`], there)).toMatchObject({
      code: 0,
      stderr: "",
    });
    const [fetching, back] = await through([fault], /^GET \S+files\/\S+/);
    expect(await buntime(["cp", `${session.id}:${name}`, path.join(local, "back")], back)).toMatchObject({
      code: 0,
      stderr: "",
    });
    expect(digest(readFileSync(path.join(local, "back")))).toBe(digest(bytes));
    expect([sending.done, fetching.done]).toEqual([[fault], [fault]]);
    expect(readdirSync(local).toSorted()).toEqual([name, "back"].toSorted());
  });

  test("a folder is copied whole, there and back", async () => {
    const local = folder();
    const name = crypto.randomUUID();
    const contents = Array.from({ length: 8 }, () => randomBytes(40_000));
    mkdirSync(path.join(local, name, "in"), { recursive: true });
    for (const [index, bytes] of contents.entries()) writeFileSync(path.join(local, name, `in/${index}`), bytes);
    const [sending, there] = await through([fault], /archive/);
    expect(await buntime(["cp", path.join(local, name), `${session.id}:`], there)).toMatchObject({
      code: 0,
      stderr: "",
    });
    const [fetching, back] = await through([fault], /archive/);
    expect(await buntime(["cp", `${session.id}:${name}`, path.join(local, "back")], back)).toMatchObject({
      code: 0,
      stderr: "",
    });
    for (const [index, bytes] of contents.entries()) {
      expect(digest(readFileSync(path.join(local, `back/in/${index}`)))).toBe(digest(bytes));
    }
    expect([sending.done, fetching.done]).toEqual([[fault], [fault]]);
    expect(readdirSync(path.join(local, "back/in")).length).toBe(contents.length);
  });

  test("sessions create creates one", async () => {
    const mark = crypto.randomUUID();
    const [proxy, options] = await through([fault]);
    const { code, stdout, stderr } = await buntime(["sessions", "create", "--metadata", `mark=${mark}`], options);
    expect({ code, stderr, done: proxy.done }).toEqual({ code: 0, stderr: "", done: [fault] });
    const { sessions } = await json(["sessions", "list", "--metadata", `mark=${mark}`]);
    expect(sessions).toMatchObject([{ id: stdout.trim() }]);
    await buntime(["sessions", "delete", stdout.trim()]);
  });

  test("logs --follow shows all of it, each piece once", async () => {
    const line = "for i in $(seq 1 60); do echo line $i; sleep 0.02; done";
    const executionId = (await buntime(["exec", "-d", session.id, "-c", line])).stdout.trim();
    const [proxy, options] = await through([fault]);
    expect(await buntime(["logs", "-f", session.id, executionId], options)).toMatchObject({
      code: 0,
      stdout: lines(60),
      stderr: "",
    });
    expect(proxy.done).toEqual([fault]);
  });
});

describe("a platform that does not come back", () => {
  const never = (kind: "request" | "answer"): Fault[] =>
    Array.from({ length: 40 }, () => (kind === "request" ? GONE : { kind: "lose-answer" }));

  const clear = (ran: Ran): void =>
    expect(ran).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/^buntime: .*connection.*\n {2}.*Is the platform running/),
    });

  test("leaves a clear end of what only asks and of what makes", async () => {
    const [, options] = await through(never("request"));
    const target = path.join(folder(), "file");
    const ends = await Promise.all(
      [
        ["sessions", "create"],
        ["logs", "-f", session.id, "exe_00000000000000000000"],
        ["cp", `${session.id}:a`, target],
        ["cp", `${session.id}:`, target],
        ["cp", import.meta.filename, `${session.id}:b`],
      ].map((args) => buntime(args, options)),
    );
    for (const end of ends) clear(end);
  });

  test("leaves a program that may have begun said to be unknown, and run once", async () => {
    const mark = newMark();
    const [, options] = await through(never("answer"));
    const ran = await buntime(["exec", session.id, "-c", `echo x >> ${mark}`], options);
    clear(ran);
    expect(ran.stderr).toContain(`It is not known whether the command has begun`);
    expect(ran.stderr).toContain(`buntime logs ${session.id}`);
    expect(await timesRun(mark)).toBe(1);
  });

  test("for a day is not waited for", async () => {
    const closed: Fault[] = Array.from({ length: 10 }, () => ({ kind: "answer", text: LATER }));
    const [proxy, options] = await through(closed);
    const ends = await Promise.all(
      [
        ["exec", session.id, "--", "true"],
        ["logs", "-f", session.id, "exe_00000000000000000000"],
        ["cp", import.meta.filename, `${session.id}:b`],
      ].map((args) => buntime(args, options)),
    );
    for (const { code, stderr } of ends)
      expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining("503") });
    expect(proxy.done.length).toBe(ends.length);
  });
});
