// What contexts refuse: bodies that are none, too many, and whoever may not.
import { expect, onTestFinished, test } from "vitest";
import { listContexts, newContext } from "../support/contexts.ts";
import { newSession, platformOfRun, problem, problemOf, sharedSession } from "../support/e2e.ts";

const client = platformOfRun();
const shared = sharedSession(client);

test.each([
  [{}],
  [{ language: "cobol" }],
  [{ language: "__proto__" }],
  [{ language: "constructor" }],
  [{ language: null }],
  [{ language: "python", name: "" }],
  [{ language: "python", name: "A b" }],
  [{ language: "python", name: "x".repeat(65) }],
  [{ language: "python", workingDir: "a\0b" }],
  [{ language: "python", workingDir: "../.." }],
  [{ language: "python", workingDir: "/etc" }],
  [{ language: "js", other: 1 }],
  [[]],
  [null],
])("a context of %j is refused", async (json) => {
  const before = await listContexts(client, shared.id);
  const told = await problem(client, "POST", `/sessions/${shared.id}/contexts`, { json });
  expect(told).toMatchObject({ status: 400, code: "invalid_request" });
  expect((await listContexts(client, shared.id)).total).toBe(before.total);
});

test.each([
  [{}],
  [{ code: 1 }],
  [{ code: "\ud800" }],
  [{ code: "1", timeout: 0 }],
  [{ code: "1", timeout: 301 }],
  [{ code: "1", timeout: "1" }],
  [{ code: "1", env: { "a=b": "c" } }],
  [{ code: "1", env: { A: "\0" } }],
  [{ code: "1", command: "ls" }],
  [{ code: "1", sessionId: "x" }],
])("a run of %j is refused", async (json) => {
  const [context] = (await listContexts(client, shared.id)).contexts;
  const path = `/sessions/${shared.id}/contexts/${context?.id ?? `ctx_${"0".repeat(20)}`}/run`;
  expect(await problem(client, "POST", path, { json })).toMatchObject({ status: 400, code: "invalid_request" });
});

test("names that are no ids, and ids of nothing, are refused", async () => {
  const run = (id: string): ReturnType<typeof problem> =>
    problem(client, "POST", `/sessions/${shared.id}/contexts/${id}/run`, { json: { code: "1" } });
  for (const id of ["x", "ctx_", `ctx_${"A".repeat(20)}`, "..%2f..%2fexecute", "%00"]) {
    expect(await run(id)).toMatchObject({ status: 400, code: "invalid_request" });
  }
  expect(await run(`ctx_${"0".repeat(20)}`)).toMatchObject({ status: 404, code: "context_not_found" });
});

test("a session has sixteen contexts at the most", async () => {
  const { id } = await newSession(client);
  const statuses: number[] = [];
  for (let count = 0; count < 17; count++) {
    statuses.push((await client.request("POST", `/sessions/${id}/contexts`, { json: { language: "js" } })).status);
  }
  expect(statuses).toEqual([...Array.from({ length: 16 }, () => 201), 409]);
  expect((await listContexts(client, id)).total).toBe(16);
});

test("a key without the scope, or of another session, runs nothing", async () => {
  const context = await newContext(client, shared.id, { language: "javascript" });
  const keyWith = async (body: object): Promise<string> => {
    const response = await client.request("POST", "/keys", { json: { name: "contexts", ...body } });
    const { id, key } = (await response.json()) as { id: string; key: string };
    onTestFinished(async () => void (await client.request("DELETE", `/keys/${id}`)));
    return key;
  };
  const as = (key: string, method: string, path: string, json?: unknown): Promise<Response> =>
    client.request(method, path, { json, headers: { authorization: `Bearer ${key}` } });
  const reader = await keyWith({ scopes: ["sessions:read"] });
  expect((await as(reader, "GET", context.path)).status).toBe(200);
  for (const [method, path, json] of [
    ["POST", `${context.path}/run`, { code: "1" }],
    ["POST", `${context.path}/interrupt`, undefined],
    ["DELETE", context.path, undefined],
    ["POST", `/sessions/${shared.id}/contexts`, { language: "js" }],
  ] as const) {
    expect(await problemOf(await as(reader, method, path, json))).toMatchObject({ status: 403, code: "forbidden" });
  }
  const { id: other } = await newSession(client);
  const bound = await keyWith({ scopes: ["sessions:read", "execute"], sessionId: other });
  expect(await problemOf(await as(bound, "POST", `${context.path}/run`, { code: "1" }))).toMatchObject({
    status: 404,
    code: "session_not_found",
  });
  // A context is its session's alone.
  const elsewhere = context.path.replace(shared.id, other);
  expect(await problemOf(await as(bound, "POST", `${elsewhere}/run`, { code: "1" }))).toMatchObject({
    status: 404,
    code: "context_not_found",
  });
});

test("a run counts in the budget of executions", async () => {
  const { id } = await newSession(client, { budget: { executions: 2 } });
  const context = await newContext(client, id, { language: "javascript" });
  expect((await context.run("1")).exitCode).toBe(0);
  expect((await context.run("1")).exitCode).toBe(0);
  const told = await problem(client, "POST", `${context.path}/run`, { json: { code: "1" } });
  expect(told).toMatchObject({ code: "forbidden", details: { budget: "executions", of: "session", limit: 2 } });
});
