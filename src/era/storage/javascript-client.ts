// `era_storage.js`: the account's storage for JavaScript and TypeScript in a session, by Bun, Node or Deno. It asks the environment
// anew for each call, so that nothing of a run's token is kept with the variables that outlive the run.
import { RESPONSE_MS } from "../../data/limits.ts";

export const JAVASCRIPT_CLIENT = String.raw`/**
 * Storage of your account, for code in a session: values (kv), SQL (d1) and objects (r2), each in namespaces.
 *
 *   const { kv, d1, r2 } = require("./era_storage.js"); // or: import { kv, d1, r2 } from "./era_storage.js";
 *   await kv.set("app", "theme", { dark: true });
 *   await d1.query("app", "SELECT * FROM item WHERE price < ?", [10]);
 *   await r2.put("app", "cat.png", bytes);
 *
 * All sessions of the account share it. A call that is refused throws a StorageError, with a code and a status.
 */
import { request } from "node:http";
import { env, versions } from "node:process";
import { Buffer } from "node:buffer";

const PAGE = 1000;
const TIMEOUT_MS = ${RESPONSE_MS};

export class StorageError extends Error {
  constructor(message, code, status) {
    super(message);
    this.name = "StorageError";
    this.code = code;
    this.status = status;
  }
}

/** JSON values by key, up to 1 MiB each. */
export const KVStorage = {
  async set(namespace, key, value, metadata = null) {
    return (await ask("PUT", entry("kv", namespace, key), { body: { value, metadata } })).success;
  },

  /** Null where there is no such value. */
  async get(namespace, key) {
    return (await found(entry("kv", namespace, key)))?.value ?? null;
  },

  async delete(namespace, key) {
    return (await ask("DELETE", entry("kv", namespace, key))).success;
  },

  /** [{ name, metadata }] by name, as many as limit says. */
  list(namespace, prefix = "", limit = 100) {
    return pages(space("kv", namespace), "keys", prefix, limit);
  },
};

/** A database of SQLite for each namespace. All statements of a call are done, or none is. */
export const D1Storage = {
  /** The rows of the last statement, as objects. */
  async query(namespace, sql, params = []) {
    return (await ask("POST", space("d1", namespace) + "/query", { body: { sql, params } })).results;
  },

  /** { success, meta: { changes, last_row_id, rows_read, rows_written, size_after } } */
  exec(namespace, sql, params = []) {
    return ask("POST", space("d1", namespace) + "/exec", { body: { sql, params } });
  },
};

/** Objects by key: bytes, up to 10 MiB each. */
export const R2Storage = {
  /** Bytes, or text as UTF-8. */
  async put(namespace, key, content, metadata = null) {
    const body = { content: Buffer.from(content).toString("base64"), metadata };
    return (await ask("PUT", entry("r2", namespace, key), { body })).success;
  },

  /** A Buffer; null where there is no such object. */
  async get(namespace, key) {
    const object = await found(entry("r2", namespace, key));
    return object === null ? null : Buffer.from(object.content, "base64");
  },

  async delete(namespace, key) {
    return (await ask("DELETE", entry("r2", namespace, key))).success;
  },

  /** [{ key, size, uploaded, customMetadata }] by key, as many as limit says. */
  list(namespace, prefix = "", limit = 100) {
    return pages(space("r2", namespace), "objects", prefix, limit);
  },
};

export const kv = KVStorage;
export const d1 = D1Storage;
export const r2 = R2Storage;

function space(kind, namespace) {
  return "/" + kind + "/" + encodeURIComponent(namespace);
}

function entry(kind, namespace, key) {
  if (key === "" || key === "." || key.split("/").includes("..")) {
    throw new TypeError("a key is not empty, nor has it . or .. in place of a name: " + key);
  }
  return space(kind, namespace) + "/" + encodeURIComponent(key);
}

async function found(path) {
  try {
    return await ask("GET", path);
  } catch (error) {
    if (error.code === "not_found") return null;
    throw error;
  }
}

async function pages(path, member, prefix, limit) {
  const items = [];
  for (let cursor; items.length < limit; ) {
    const page = await ask("GET", path, { query: { prefix, limit: Math.min(limit - items.length, PAGE), cursor } });
    items.push(...page[member]);
    if (page.cursor === null) break;
    cursor = page.cursor;
  }
  return items;
}

async function ask(method, path, { body, query = {} } = {}) {
  const { ERA_STORAGE_URL: base, ERA_STORAGE_TOKEN: token } = env;
  if (!base || !token) {
    throw new StorageError("This run has no storage: the key that began it may not use it.", "forbidden", 403);
  }
  const url = new URL(base + "/api/storage" + path);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  const headers = { authorization: "Bearer " + token, "content-type": "application/json" };
  const { status, text } = await send(url, { method, headers, body: body && JSON.stringify(body) });
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new StorageError(text.slice(0, 1000), null, status);
  }
  if (status >= 400) throw new StorageError(answer.message, answer.code, status);
  return answer;
}

/** Node's fetch passes by the proxy that the environment names; those of Bun and Deno go by it. */
async function send(url, { method, headers, body }) {
  const proxy = versions.bun || versions.deno ? undefined : env.http_proxy || env.HTTP_PROXY;
  if (proxy && url.protocol === "http:") return sendThrough(new URL(proxy), url, { method, headers, body });
  const response = await fetch(url, { method, headers, body, signal: AbortSignal.timeout(TIMEOUT_MS) });
  return { status: response.status, text: await response.text() };
}

function sendThrough(proxy, url, { method, headers, body }) {
  return new Promise((resolve, reject) => {
    const sent = request({
      host: proxy.hostname,
      port: proxy.port,
      method,
      path: url.href,
      headers: { ...headers, host: url.host, "content-length": Buffer.byteLength(body ?? "") },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    sent.on("error", reject);
    sent.on("response", (response) => {
      const chunks = [];
      response.on("error", reject);
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() }));
    });
    sent.end(body);
  });
}
`;
