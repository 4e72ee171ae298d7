// The storage of an account, over HTTP and from inside code.
import { describe, expect, onTestFinished, test } from "vitest";
import { NewAccount, NewKey } from "../../src/contract/account.ts";
import { randomText } from "../../src/contract/ids.ts";
import { Client, ON_DOCKER, platformOfRun } from "../support/e2e.ts";
import { era, eraRequest, newEraId } from "../support/era.ts";
import type { EraAnswer } from "../support/era.ts";
import { startTestPlatform } from "../support/platform.ts";

const ADMIN_KEY = "admin_end2end_00000000000000000";
const client = platformOfRun();
const storage = (method: string, path: string, json?: unknown, as = client): Promise<EraAnswer> =>
  era(as, method, `/api/storage${path}`, json === undefined ? {} : { json });
const run = (id: string, code: string, as = client): Promise<EraAnswer> =>
  era(as, "POST", `/api/sessions/${id}/run`, { json: { code } });

/** A namespace for one test. What is in it is removed when the test has ended. */
function newNamespace(): string {
  const namespace = `test-${randomText(8)}`;
  onTestFinished(async () => {
    for (const [kind, member, name] of [
      ["kv", "keys", "name"],
      ["r2", "objects", "key"],
    ] as const) {
      const { json } = await storage("GET", `/${kind}/${namespace}?limit=1000`);
      for (const entry of json[member]) {
        await storage("DELETE", `/${kind}/${namespace}/${encodeURIComponent(entry[name])}`);
      }
    }
    await storage("DELETE", `/d1/${namespace}`);
  });
  return namespace;
}

function refusal(status: number, code: string) {
  return { status, json: { error: expect.any(String), code } };
}

describe("values", () => {
  test("are what was stored, with their metadata, until they are deleted", async () => {
    const at = `/kv/${newNamespace()}/user:1/näme %2F`;
    expect(await storage("GET", at)).toMatchObject(refusal(404, "not_found"));
    for (const value of ["text", { deep: [1, null, "ü"] }, 0, null, false, ""]) {
      expect((await storage("PUT", at, { value, metadata: { version: 1 } })).json).toEqual({ success: true });
      expect((await storage("GET", at)).json).toEqual({ value, metadata: { version: 1 } });
    }
    expect((await storage("DELETE", at)).json).toEqual({ success: true, deleted: true });
    expect((await storage("DELETE", at)).json).toEqual({ success: true, deleted: false });
    expect((await storage("GET", at)).status).toBe(404);
  });

  test("are listed by name in pages, each once, those with a prefix alone", async () => {
    const at = `/kv/${newNamespace()}`;
    const names = ["a", "b/1", "b/2", "b/\u{10ffff}", "c"];
    await Promise.all(names.map((name) => storage("PUT", `${at}/${encodeURIComponent(name)}`, { value: 1 })));
    const listed: string[] = [];
    for (let cursor = ""; ;) {
      const { json } = await storage("GET", `${at}?prefix=b%2F&limit=2${cursor}`);
      listed.push(...json.keys.map(({ name }: { name: string }) => name));
      if (json.list_complete) break;
      cursor = `&cursor=${json.cursor}`;
    }
    expect(listed).toEqual(["b/1", "b/2", "b/\u{10ffff}"]);
    expect((await storage("GET", at)).json.keys).toHaveLength(5);
  });
});

describe("objects", () => {
  test("are the same bytes again, up to 10 MiB, and listed with their size", async () => {
    const at = `/r2/${newNamespace()}`;
    const bytes = Buffer.alloc(10 * 1024 * 1024, Buffer.from(Array.from({ length: 251 }, (_, index) => index)));
    const put = await storage("PUT", `${at}/large/one`, { content: bytes.toString("base64"), metadata: { type: "x" } });
    expect(put.json).toEqual({ success: true, size: bytes.length });
    const got = await storage("GET", `${at}/large/one`);
    expect(Buffer.from(got.json.content, "base64").equals(bytes)).toBe(true);
    expect(got.json).toMatchObject({ size: bytes.length, customMetadata: { type: "x" }, httpMetadata: {} });
    await storage("PUT", `${at}/empty`, { content: "" });
    expect((await storage("GET", `${at}/empty`)).json).toMatchObject({ content: "", size: 0 });
    expect((await storage("GET", at)).json).toMatchObject({
      objects: [
        { key: "empty", size: 0 },
        { key: "large/one", size: bytes.length, uploaded: expect.any(String) },
      ],
      truncated: false,
      cursor: null,
    });
  });
});

describe("SQL", () => {
  test("keeps its tables, takes parameters, and tells what it has done", async () => {
    const at = `/d1/${newNamespace()}`;
    const create = "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, price REAL)";
    expect((await storage("POST", `${at}/exec`, { sql: create })).json).toMatchObject({ success: true });
    const insert = { sql: "INSERT INTO item (name, price) VALUES (?, ?), (?, ?)", params: ["a'b", 1.5, null, 2] };
    expect((await storage("POST", `${at}/exec`, insert)).json).toMatchObject({
      success: true,
      meta: { changes: 2, last_row_id: 2 },
    });
    const query = { sql: "SELECT *, x'00ff' AS bytes FROM item WHERE price < ?", params: [2] };
    expect((await storage("POST", `${at}/query`, query)).json).toMatchObject({
      success: true,
      results: [{ id: 1, name: "a'b", price: 1.5, bytes: [0, 255] }],
    });
  });

  test("does all statements of a call, or none", async () => {
    const at = `/d1/${newNamespace()}`;
    await storage("POST", `${at}/exec`, { sql: "CREATE TABLE t (a UNIQUE)" });
    const failing = { sql: "INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); INSERT INTO t VALUES (1)" };
    expect(await storage("POST", `${at}/exec`, failing)).toMatchObject(refusal(400, "invalid_request"));
    const { json } = await storage("POST", `${at}/query`, { sql: "SELECT count(*) AS n FROM t" });
    expect(json.results).toEqual([{ n: 0 }]);
  });

  test("shows only what its owner has made, and leads nowhere else", async () => {
    const at = `/d1/${newNamespace()}`;
    await storage("POST", `${at}/exec`, { sql: "CREATE TABLE mine (a)" });
    const { json } = await storage("POST", `${at}/query`, { sql: "SELECT name FROM sqlite_master" });
    expect(json.results).toEqual([{ name: "mine" }]);
    for (const sql of [
      "ATTACH DATABASE 'other' AS other",
      "DETACH main",
      "VACUUM INTO 'copy'",
      "PRAGMA user_version = 7",
      "PRAGMA writable_schema = 1",
      "PRAGMA database_list",
      "PRAGMA temp_store_directory = '/tmp'",
      "SELECT load_extension('x')",
      "SELECT readfile('/etc/passwd')",
      "CREATE TABLE _cf_mine (a)",
      "ALTER TABLE mine RENAME TO _cf_mine",
      "INSERT INTO _cf_METADATA VALUES (1, 2)",
      "SELECT * FROM _cf_KV",
      "DROP TABLE _cf_KV",
      "CREATE TEMP TABLE t (a)",
      "BEGIN",
      "COMMIT",
      "SAVEPOINT s",
      "",
      "-- nothing",
      "SELECT ?",
      "nonsense",
      "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c",
      "SELECT 1;".repeat(200),
      `SELECT '${"x".repeat(100_001)}'`,
    ]) {
      const answer = await storage("POST", `${at}/query`, { sql });
      expect([sql.slice(0, 50), answer.status, answer.json.code]).toEqual([sql.slice(0, 50), 400, "invalid_request"]);
    }
    expect((await storage("POST", `${at}/query`, { sql: "SELECT count(*) AS n FROM mine" })).status).toBe(200);
  });

  test("refuses an answer that would be too large, rather than shortening it, and what led to it is undone", async () => {
    const at = `/d1/${newNamespace()}`;
    const rows = "WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 10001)";
    await storage("POST", `${at}/exec`, { sql: "CREATE TABLE t (a)" });
    for (const sql of [
      `${rows} SELECT x FROM c`,
      "SELECT zeroblob(5000000)",
      `${rows} INSERT INTO t SELECT x FROM c RETURNING a`,
    ]) {
      expect(await storage("POST", `${at}/query`, { sql })).toMatchObject(refusal(413, "payload_too_large"));
    }
    expect((await storage("POST", `${at}/query`, { sql: "SELECT count(*) AS n FROM t" })).json.results).toEqual([
      { n: 0 },
    ]);
  });

  test("is gone with its database, which can be begun anew", async () => {
    const at = `/d1/${newNamespace()}`;
    expect(await storage("DELETE", at)).toMatchObject(refusal(404, "not_found"));
    await storage("POST", `${at}/exec`, { sql: "CREATE TABLE t (a)" });
    expect((await storage("DELETE", at)).json).toEqual({ success: true });
    expect((await storage("POST", `${at}/query`, { sql: "SELECT name FROM sqlite_master" })).json.results).toEqual([]);
  });
});

describe("what is stored", () => {
  test("is told with where it is and how large", async () => {
    const namespace = newNamespace();
    await storage("PUT", `/kv/${namespace}/user:1`, { value: "Ada", metadata: { version: 1 } });
    await storage("PUT", `/r2/${namespace}/file`, { content: "AAAA" });
    await storage("POST", `/d1/${namespace}/exec`, { sql: "CREATE TABLE t (a)" });
    const list = (query: string): Promise<EraAnswer> =>
      era(client, "GET", `/api/resources/list?namespace=${namespace}${query}`);
    expect((await list("")).json).toMatchObject({
      resources: [
        { type: "d1", namespace, key: null },
        { type: "kv", namespace, key: "user:1", size: 5, metadata: { version: 1 }, updated_at: expect.any(String) },
        { type: "r2", namespace, key: "file", size: 3 },
      ],
      total: 3,
      has_more: false,
    });
    expect((await list("&key_prefix=user:")).json).toMatchObject({ resources: [{ key: "user:1" }], total: 1 });
    expect((await list("&limit=1&offset=1")).json).toMatchObject({
      resources: [{ type: "kv" }],
      total: 3,
      has_more: true,
    });
    const { json } = await era(client, "GET", "/api/resources/stats");
    expect(json.by_namespace[namespace]).toBe(3);
  });
});

test.each([
  ["GET", "/kv/bad%20name/key", undefined, 400, "invalid_request"],
  ["GET", "/kv/.hidden/key", undefined, 400, "invalid_request"],
  ["GET", `/kv/${"n".repeat(65)}/key`, undefined, 400, "invalid_request"],
  ["GET", `/kv/n/${"k".repeat(513)}`, undefined, 400, "invalid_request"],
  ["GET", `/kv/n/${"%C3%BC".repeat(257)}`, undefined, 400, "invalid_request"],
  ["GET", "/kv/n/%FF", undefined, 400, "invalid_request"],
  ["GET", "/kv/n/a%2F..%2Fb", undefined, 400, "invalid_request"],
  ["GET", "/kv/n?limit=0", undefined, 400, "invalid_request"],
  ["GET", "/kv/n?limit=1001", undefined, 400, "invalid_request"],
  ["GET", "/kv/n?cursor=%21", undefined, 400, "invalid_request"],
  ["GET", "/kv/n?cursor=_w", undefined, 400, "invalid_request"],
  ["PUT", "/kv/n/k", {}, 400, "invalid_request"],
  ["PUT", "/kv/n/k", { value: 1, other: 1 }, 400, "invalid_request"],
  ["PUT", "/kv/n/k", { value: 1, metadata: "text" }, 400, "invalid_request"],
  ["PUT", "/kv/n/k", { value: 1, metadata: { a: "x".repeat(2048) } }, 400, "invalid_request"],
  ["PUT", "/kv/n/k", { value: "x".repeat(1024 * 1024) }, 413, "payload_too_large"],
  ["PUT", "/r2/n/k", { content: "no base64!" }, 400, "invalid_request"],
  ["PUT", "/r2/n/k", { content: 5 }, 400, "invalid_request"],
  ["PUT", "/r2/n/k", { content: "A".repeat(14 * 1024 * 1024) }, 413, "payload_too_large"],
  ["POST", "/d1/n/query", {}, 400, "invalid_request"],
  ["POST", "/d1/n/query", { sql: 5 }, 400, "invalid_request"],
  ["POST", "/d1/n/query", { sql: "SELECT ?", params: [{}] }, 400, "invalid_request"],
  ["POST", "/d1/n/query", { sql: "SELECT 1", params: Array.from({ length: 101 }, () => 1) }, 400, "invalid_request"],
  ["PATCH", "/kv/n/k", {}, 405, "method_not_allowed"],
  ["GET", "/d1/n/query", undefined, 405, "method_not_allowed"],
  ["GET", "/other/n/k", undefined, 404, "not_found"],
] as const)("%s %s is refused", async (method, path, json, status, code) => {
  expect(await storage(method, path, json)).toMatchObject(refusal(status, code));
});

describe("code in a session", () => {
  const PYTHON = (namespace: string): string => `
import era_storage, json
kv, d1, r2 = era_storage.kv, era_storage.d1, era_storage.r2
kv.set("${namespace}", "from/python", {"a": [1, "ü"]}, {"by": "python"})
d1.exec("${namespace}", "CREATE TABLE t (a, b)")
print(d1.exec("${namespace}", "INSERT INTO t VALUES (?, ?)", [1, "x"])["meta"]["changes"])
r2.put("${namespace}", "bytes", bytes(range(256)))
try:
    d1.query("${namespace}", "SELECT * FROM missing")
except era_storage.StorageError as error:
    print(error.code, error.status, "no such table" in str(error))
print(kv.get("${namespace}", "missing"), r2.get("${namespace}", "missing"))
print(kv.list("${namespace}", prefix="from/"))
`;
  const JAVASCRIPT = (namespace: string): string => `
const { kv, d1, r2 } = await import("/workspace/era_storage.js");
const bytes = await r2.get("${namespace}", "bytes");
console.log(JSON.stringify([
  await kv.get("${namespace}", "from/python"),
  await d1.query("${namespace}", "SELECT * FROM t"),
  [bytes.length, bytes[255]],
  await kv.get("${namespace}", "missing"),
  (await kv.list("${namespace}")).length,
  await kv.delete("${namespace}", "from/python"),
  await r2.put("${namespace}", "text", "ü"), (await r2.list("${namespace}")).map(({ key }) => key),
  await d1.query("${namespace}", "nonsense").catch(({ code, status }) => [code, status]),
]));
`;

  test("stores values, rows and objects, which other sessions of the account find", async () => {
    const namespace = newNamespace();
    const writer = newEraId(client);
    expect((await run(writer, PYTHON(namespace))).json).toMatchObject({
      exit_code: 0,
      stdout: "1\ninvalid_request 400 True\nNone None\n[{'name': 'from/python', 'metadata': {'by': 'python'}}]\n",
    });
    for (const language of ["javascript", "node"]) {
      const id = newEraId(client);
      await era(client, "POST", "/api/sessions", { json: { session_id: id, language } });
      const { json } = await run(id, JAVASCRIPT(namespace));
      expect(json).toMatchObject({ exit_code: 0, files_modified: 0 });
      expect(JSON.parse(json.stdout)).toEqual([
        { a: [1, "ü"] },
        [{ a: 1, b: "x" }],
        [256, 255],
        null,
        1,
        true,
        true,
        ["bytes", "text"],
        ["invalid_request", 400],
      ]);
      await storage("PUT", `/kv/${namespace}/from%2Fpython`, { value: { a: [1, "ü"] } });
    }
    const code = `import era_storage; print(era_storage.kv.get("${namespace}", "from/python"))`;
    const once = await era(client, "POST", "/api/execute", { json: { language: "python", code } });
    expect(once.json.stdout).toBe("{'a': [1, 'ü']}\n");
    // The clients are in the workspace, and not among the files that are the session's own.
    const { json } = await era(client, "GET", `/api/sessions/${writer}/files`);
    expect(json.files.map(({ path }: { path: string }) => path)).toEqual([".session_data.json"]);
    expect((await eraRequest(client, "GET", `/api/sessions/${writer}/files/era_storage.py`)).status).toBe(200);
  });

  test("has a token for that run and for nothing but the storage", async () => {
    const id = newEraId(client);
    const first = await run(id, "import os; print(os.environ['ERA_STORAGE_TOKEN'])");
    const token = first.json.stdout.trim();
    expect(token).toMatch(/^btr_/);
    const inside = new Client({ url: client.url.origin, apiKey: token, domain: client.domain });
    expect((await era(inside, "GET", "/api/storage/kv/any")).status).toBe(200);
    for (const path of ["/api/sessions", `/api/sessions/${id}`, `/api/sessions/${id}/files/era_storage.py`]) {
      expect([path, (await eraRequest(inside, "GET", path)).status]).toEqual([path, 403]);
    }
    for (const path of ["/sessions", "/account", "/keys", "/usage"]) {
      expect([path, (await inside.request("GET", path)).status]).toEqual([path, 403]);
    }
    const another = `${token.slice(0, -1)}${token.endsWith("0") ? "1" : "0"}`;
    const later = token.replace(/^(btr_.{40}).{9}/, "$1zzzzzzzzz");
    for (const forged of [another, later]) {
      const forger = new Client({ url: client.url.origin, apiKey: forged, domain: client.domain });
      expect((await era(forger, "GET", "/api/storage/kv/any")).status).toBe(401);
    }
    // With the session, though its time is not over.
    await era(client, "DELETE", `/api/sessions/${id}`);
    expect((await era(inside, "GET", "/api/storage/kv/any")).status).toBe(401);
  });

  // Of the embedded engine's way there, test/container/engine/egress says the same.
  test.runIf(ON_DOCKER)("finds nothing else of the platform there", async () => {
    const id = newEraId(client);
    await era(client, "POST", "/api/sessions", { json: { session_id: id, language: "node" } });
    const { json } = await run(
      id,
      `import { request } from "node:http";
      const ask = (path) => new Promise((resolve, reject) => {
        const { hostname, port } = new URL(process.env.ERA_STORAGE_URL);
        const headers = { authorization: "Bearer ${client.apiKey}", host: "localhost" };
        const asked = request({ hostname, port, path, headers, timeout: 5000 }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        });
        asked.on("error", reject).end();
      });
      const paths = ["/", "/health", "/api/sessions", "/era/api/sessions", "/era/api/storage", "//localhost/era/api/storage/kv/a",
        "/era/api/storage/../../../api/sessions", "/era/api/storage/%2e%2e/sessions", "http://localhost/api/sessions", "*"];
      console.log(JSON.stringify([await ask("/era/api/storage/kv/any"), await Promise.all(paths.map(ask))]));`,
    );
    expect([json.exit_code, json.stderr]).toEqual([0, ""]);
    expect(JSON.parse(json.stdout)).toEqual([200, Array.from({ length: 10 }, () => 403)]);
  });

  test.each(["python", "node"])("leaves no token behind in the workspace: %s", async (language) => {
    const id = newEraId(client);
    await era(client, "POST", "/api/sessions", { json: { session_id: id, language } });
    await run(id, "1");
    // All tokens of a session begin alike.
    const search = ["grep", "-rlF", "--", "TOKEN", "/workspace"];
    const code =
      language === "python"
        ? `import os, subprocess
search = [word.replace("TOKEN", os.environ["ERA_STORAGE_TOKEN"][:44]) for word in ${JSON.stringify(search)}]
print(subprocess.run(search, capture_output=True, text=True).stdout, "searched")`
        : `const [program, ...words] = ${JSON.stringify(search)}.map((word) => word.replace("TOKEN", process.env.ERA_STORAGE_TOKEN.slice(0, 44)));
console.log(require("node:child_process").spawnSync(program, words).stdout.toString(), "searched")`;
    expect((await run(id, code)).json.stdout.trim()).toBe("searched");
  });

  test("is given no storage by a key that may not use it, or that is bound to the session", async () => {
    const id = newEraId(client);
    await run(id, "1");
    const { id: sessionId } = (await client.request("GET", `/sessions/${id}`).then((answer) => answer.json())) as {
      id: string;
    };
    const scopes = ["sessions:read", "sessions:write", "files:read", "files:write", "execute"];
    for (const body of [{ scopes }, { scopes: [...scopes, "storage"], sessionId }]) {
      const made = await client.request("POST", "/keys", { json: { name: "few", expiresIn: "10m", ...body } });
      const { key, id: keyId } = NewKey.parse(await made.json());
      const limited = new Client({ url: client.url.origin, apiKey: key, domain: client.domain });
      expect(await era(limited, "GET", "/api/storage/kv/any")).toMatchObject(refusal(403, "forbidden"));
      const { json } = await run(
        sessionId === body.sessionId ? id : id,
        "import era_storage; era_storage.kv.set('a', 'b', 1)",
        limited,
      );
      expect(json).toMatchObject({ exit_code: 1, stderr: expect.stringContaining("may not use it") });
      await client.request("DELETE", `/keys/${keyId}`);
    }
  });
});

// The embedded engine alone: accounts are the Worker's business.
test.skipIf(ON_DOCKER)("another account has a storage of its own, with the same names", async () => {
  const platform = await startTestPlatform({ env: { BUNTIME_ADMIN_KEY: ADMIN_KEY } });
  onTestFinished(() => platform.stop());
  const first = platform.client;
  const as = (apiKey: string): Client => new Client({ url: first.url.origin, apiKey, domain: first.domain });
  const account = { name: "Ada", plan: "free" };
  const second = as((await as(ADMIN_KEY).ask(NewAccount, "POST", "/admin/accounts", account)).key);
  await storage("PUT", "/kv/app/key", { value: "first" }, first);
  await storage("PUT", "/r2/app/key", { content: "AAAA" }, first);
  await storage("POST", "/d1/app/exec", { sql: "CREATE TABLE secret (a)" }, first);

  expect((await storage("GET", "/kv/app/key", undefined, second)).status).toBe(404);
  expect((await storage("GET", "/kv/app", undefined, second)).json.keys).toEqual([]);
  expect((await storage("GET", "/r2/app/key", undefined, second)).status).toBe(404);
  const tables = { sql: "SELECT name FROM sqlite_master" };
  expect((await storage("POST", "/d1/app/query", tables, second)).json.results).toEqual([]);
  const code = 'import era_storage; print(era_storage.kv.list("app"), era_storage.r2.get("app", "key"))';
  expect((await run("theirs", code, second)).json.stdout).toBe("[] None\n");
  await storage("PUT", "/kv/app/key", { value: "second" }, second);
  expect((await storage("GET", "/kv/app/key", undefined, first)).json.value).toBe("first");
});
