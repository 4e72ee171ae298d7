// Tags and description of sessions, and what a list finds by them.
import { env, runInDurableObject } from "cloudflare:test";
import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { Database } from "../../src/account/database.ts";
import { MIGRATIONS } from "../../src/account/migrations.ts";
import { SessionIndex } from "../../src/account/session-index.ts";
import { Session, SessionList } from "../../src/contract/session.ts";
import { migrate } from "../../src/lib/schema.ts";
import { askAs, createAccount } from "./accounts.ts";
import { ask, createSession, expectProblem } from "./client.ts";

async function found(query: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const response = await ask("GET", `/sessions?${new URLSearchParams(query).toString()}`);
  const text = await response.text();
  expect(response.status, text).toBe(200);
  const { sessions, total } = SessionList.parse(JSON.parse(text));
  expect(total).toBe(sessions.length);
  return sessions.map(({ name }) => name ?? "-");
}

const refusedBodies = [
  { tags: [""] },
  { tags: ["x".repeat(65)] },
  { tags: ["a,b"] },
  { tags: ["a\nb"] },
  { tags: ["a\0"] },
  { tags: [" a"] },
  { tags: ["a "] },
  { tags: ["\ud800"] },
  { tags: ["twice", "twice"] },
  { tags: Array.from({ length: 51 }, (_, index) => `t${index}`) },
  { tags: "one" },
  { tags: [1] },
  { description: "x".repeat(1001) },
  { description: "\ud800" },
  { description: null },
];

describe("tags and a description", () => {
  it("are none by default, are kept as they were given, and are replaced as a whole", async () => {
    expect(await createSession()).toMatchObject({ tags: [], description: "" });
    const tags = Array.from({ length: 50 }, (_, index) => `${index}`.padEnd(64, "é"));
    const { id } = await createSession({ tags, description: "d".repeat(1000) });
    expect(await (await ask("GET", `/sessions/${id}`)).json()).toMatchObject({ tags, description: "d".repeat(1000) });
    const ttl = await ask("PATCH", `/sessions/${id}`, { body: { ttl: 3600 } });
    expect(Session.parse(await ttl.json())).toMatchObject({ tags, description: "d".repeat(1000) });
    const changed = await ask("PATCH", `/sessions/${id}`, { body: { tags: ["new"], description: "" } });
    expect(Session.parse(await changed.json())).toMatchObject({ tags: ["new"], description: "" });
  });

  it("that cannot be found again, or are too many, are refused, and nothing changes", async () => {
    const { id } = await createSession({ tags: ["kept"], description: "kept" });
    for (const body of refusedBodies) {
      await expectProblem(await ask("POST", "/sessions", { body }), "invalid_request");
      await expectProblem(await ask("PATCH", `/sessions/${id}`, { body }), "invalid_request");
      await expectProblem(await ask("POST", `/sessions/${id}/fork`, { body }), "invalid_request");
    }
    expect(await (await ask("GET", `/sessions/${id}`)).json()).toMatchObject({ tags: ["kept"], description: "kept" });
  });

  it("are a fork's as well, unless it has its own", async () => {
    const { id } = await createSession({ tags: ["a"], description: "of the first" });
    const same = Session.parse(await (await ask("POST", `/sessions/${id}/fork`, { body: {} })).json());
    expect(same).toMatchObject({ tags: ["a"], description: "of the first" });
    const body = { tags: ["b"], description: "of the second" };
    const other = Session.parse(await (await ask("POST", `/sessions/${id}/fork`, { body })).json());
    expect(other).toMatchObject(body);
  });
});

describe("a list of sessions", () => {
  beforeAll(async () => {
    const sessions = [
      { name: "Churn-Report", tags: ["data-analysis", "q1-2025"], description: "Why customers left in Zürich" },
      { name: "Scraper", tags: ["web", "q1-2025"], description: "100% of the prices_of_all shops" },
      { name: "Plain", metadata: { team: "growth" } },
      { name: "O-Brien", tags: ["it's", '"quoted"', "\\", "ÄRGER"], description: "second line\nCustomers" },
    ];
    for (const session of sessions) {
      await createSession({ ...session, container: "on-demand" });
    }
  });

  it("is of those that have all of the tags that are asked for, written exactly so", async () => {
    expect(await found({ tag: "q1-2025" })).toEqual(["Scraper", "Churn-Report"]);
    expect(await found({ tag: "q1-2025,data-analysis" })).toEqual(["Churn-Report"]);
    expect(await found({ tag: "q1-2025 , web" })).toEqual(["Scraper"]);
    for (const tag of ["q1-2025,nobody", "Q1-2025", "q1", "%", "q1_2025"]) {
      expect(await found({ tag })).toEqual([]);
    }
    for (const tag of ["it's", '"quoted"', "\\", "ÄRGER"]) {
      expect(await found({ tag })).toEqual(["O-Brien"]);
    }
  });

  it("is of those in whose name, description or tags each word occurs, in whatever case and order", async () => {
    expect(await found({ q: "customers" })).toEqual(["O-Brien", "Churn-Report"]);
    expect(await found({ q: "ZÜRICH  churn\tANALYSIS" })).toEqual(["Churn-Report"]);
    expect(await found({ q: "zu\u0308rich" })).toEqual(["Churn-Report"]);
    expect(await found({ q: "ärger" })).toEqual(["O-Brien"]);
    expect(await found({ q: "customers nobody" })).toEqual([]);
    expect(await found({ q: "growth" })).toEqual([]);
    expect(await found({ q: "linecustomers" })).toEqual([]);
  });

  it("takes what would be a wildcard elsewhere as it is", async () => {
    expect(await found({ q: "100%" })).toEqual(["Scraper"]);
    expect(await found({ q: "prices_of" })).toEqual(["Scraper"]);
    for (const q of ["%churn", "chur_", "*", "ch?rn", "churn' OR 1=1 --", "churn\\", "\u0000"]) {
      expect(await found({ q })).toEqual([]);
    }
  });

  it("is filtered by everything at once, page by page, with the total of all pages", async () => {
    expect(await found({ tag: "q1-2025", q: "report", state: "deep-sleep" })).toEqual(["Churn-Report"]);
    expect(await found({ tag: "q1-2025", state: "active" })).toEqual([]);
    expect(await found({ q: "plain", "metadata.team": "growth" })).toEqual(["Plain"]);
    expect(await found({ q: "plain", "metadata.team": "other" })).toEqual([]);
    for (const offset of ["0", "1", "2"]) {
      const page = await ask("GET", `/sessions?tag=q1-2025&limit=1&offset=${offset}`);
      const { sessions, total } = SessionList.parse(await page.json());
      expect([sessions.map(({ name }) => name), total]).toEqual([
        ["Scraper", "Churn-Report"].slice(Number(offset), Number(offset) + 1),
        2,
      ]);
    }
  });

  it("follows what is changed", async () => {
    const { id } = await createSession({ tags: ["draft"], description: "unfinished", container: "on-demand" });
    expect(await found({ tag: "draft", q: "unfinished" })).toEqual(["-"]);
    await ask("PATCH", `/sessions/${id}`, { body: { tags: ["final"], description: "done", name: "Finished-1" } });
    expect([await found({ tag: "draft" }), await found({ q: "unfinished" })]).toEqual([[], []]);
    expect([await found({ tag: "final" }), await found({ q: "DONE finished-1" })]).toEqual([
      ["Finished-1"],
      ["Finished-1"],
    ]);
    await ask("DELETE", `/sessions/${id}`);
    expect(await found({ tag: "final" })).toEqual([]);
  });

  it("refuses what can be no filter, and finds by as many as a query can hold", async () => {
    for (const query of [
      "tag=",
      "tag=a,,b",
      "tag=a%00b",
      `tag=${"x".repeat(65)}`,
      "tag=a&tag=b",
      `q=${"x".repeat(1001)}`,
    ]) {
      await expectProblem(await ask("GET", `/sessions?${query}`), "invalid_request");
    }
    const many = Array.from({ length: 300 }, (_, index) => [`metadata.k${index}`, "v"] as const);
    expect(await found(Object.fromEntries(many))).toEqual([]);
    expect(await found({ q: "a ".repeat(500) })).not.toEqual([]);
    expect(await found({ tag: Array.from({ length: 50 }, (_, index) => `t${index}`).join(",") })).toEqual([]);
  });

  it("finds exactly what holds the words, whatever they are", async () => {
    const tag = "of-the-property";
    const description = "The 50% rule_of thumb\n[x] 'y' \"z\" *";
    await createSession({ tags: [tag, "Übung-1"], description, container: "on-demand" });
    const text = `\n${description}\n${tag}\nÜbung-1`.toLowerCase();
    const word = fc.oneof(fc.constantFrom("50%", "_of", "THE", "übung", "[x]", "'", '"'), fc.string({ maxLength: 5 }));
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 4 }), async (words) => {
        const q = words.join(" ");
        const holds = q
          .toLowerCase()
          .split(/\s+/)
          .filter(Boolean)
          .every((each) => text.includes(each));
        expect(await found({ tag, q })).toEqual(holds ? ["-"] : []);
      }),
      { numRuns: 200 },
    );
  });

  it("never has a session of another account", async () => {
    const body = { name: "Theirs", tags: ["web"], description: "shops", container: "on-demand" };
    const { key } = await createAccount();
    expect((await askAs(key, "POST", "/sessions", { body })).status).toBe(201);
    const theirs = await askAs(key, "GET", "/sessions?tag=web&q=shops");
    expect(SessionList.parse(await theirs.json())).toMatchObject({ sessions: [{ name: "Theirs" }], total: 1 });
    expect([await found({ tag: "web" }), await found({ q: "shops" }), await found({ q: "theirs" })]).toEqual([
      ["Scraper"],
      ["Scraper"],
      [],
    ]);
  });

  it("has those that were there before sessions had tags, by their names", async () => {
    const released = MIGRATIONS.findIndex((migration) => migration.includes("search_text"));
    const old = { id: "ses_before00000000000000", name: "Before-Tags", metadata: { a: 1 } };
    const page = await runInDurableObject(env.ACCOUNT.getByName("acc_before_tags"), (_object, { storage }) => {
      migrate(storage, MIGRATIONS.slice(0, released));
      storage.sql.exec(
        "INSERT INTO session (id, name, created_at, expires_at, record) VALUES (?, ?, 1, 9e15, ?)",
        old.id,
        old.name,
        JSON.stringify(old),
      );
      const index = new SessionIndex(new Database(storage), () => {});
      const list = (q: string, tags: readonly string[]): number =>
        index.list({ limit: 10, offset: 0, metadata: { a: "1" }, tags, q }).total;
      return [list("before tags", []), list("", []), list("", ["a"]), list("other", [])];
    });
    expect(page).toEqual([1, 1, 0, 0]);
  });
});
