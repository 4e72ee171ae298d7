import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { NewKey } from "../../src/contract/account.ts";
import { NewPreviewToken } from "../../src/contract/preview.ts";
import { OPERATOR_ATTEMPTS } from "../../src/contract/limits.ts";
import { ROOT } from "../../src/local/repository.ts";
import { clientOf, clientWith, fromElsewhere, operator, run } from "./accounts.ts";
import { OPERATIONS } from "./operations.ts";

const client = clientOf("alice");
/** Texts that may be in one answer each, and nowhere else. */
const secrets = new Map<string, string>();
const answers: string[] = [];

beforeAll(async () => {
  const session = await client.createSession({ name: "keeper", preview: "private" });
  const key = await client.ask(NewKey, "POST", "/keys", { name: "second" });
  const bound = await client.ask(NewKey, "POST", "/keys", { sessionId: session.id, scopes: ["execute"] });
  const token = await client.ask(NewPreviewToken, "POST", `/sessions/${session.id}/preview-tokens`, {});
  const rotated = await client.ask(NewKey, "POST", `/keys/${key.id}/rotate`, {});
  for (const [name, secret] of Object.entries({
    "the operator's key": run.adminKey,
    "the development account's key": run.developmentKey,
    "an account's key": client.apiKey,
    "a key before it was rotated": key.key,
    "a key": rotated.key,
    "a bound key": bound.key,
    "a preview token": token.token,
  })) {
    secrets.set(name, secret);
  }
  // Everywhere that a secret could be kept, or told again: uses, refusals, errors, files, snapshots, events, the audit log.
  const ask = async (
    of: ReturnType<typeof clientOf>,
    method: string,
    target: string,
    json?: unknown,
  ): Promise<void> => {
    const response = await of.request(method, target, json === undefined ? {} : { json });
    answers.push(await response.text(), JSON.stringify([...response.headers]));
  };
  await client.preview(session.id, `/?token=${token.token}`).then((response) => response.resume());
  await client
    .preview(session.id, "/", { headers: { "x-preview-token": `${token.token}x` } })
    .then((response) => response.resume());
  await ask(clientWith(rotated.key), "POST", "/execute", {
    sessionId: session.id,
    command: "env; cat /proc/self/environ; echo hi > f",
  });
  await ask(clientWith(bound.key), "POST", "/execute", { sessionId: session.id, command: "nonsense" });
  await ask(clientWith(bound.key), "DELETE", `/sessions/${session.id}`);
  await ask(clientWith(key.key), "GET", "/sessions");
  await ask(clientWith(`${rotated.key}x`), "GET", "/sessions");
  await ask(client, "POST", `/sessions/${session.id}/snapshots`, {});
  await ask(client, "GET", "/keys");
  await ask(client, "GET", `/sessions/${session.id}`);
  await ask(client, "GET", `/sessions/${session.id}/preview-tokens`);
  await ask(client, "GET", `/sessions/${session.id}/executions`);
  await ask(client, "GET", "/usage");
  await ask(client, "POST", "/execute", "{");
  await ask(operator(), "GET", "/admin/accounts");
  await ask(operator(), "GET", `/admin/accounts/${run.accounts.alice.id}`);
  await ask(operator(), "GET", "/admin/audit?limit=100");
  await ask(clientWith(client.apiKey), "GET", "/admin/audit");
  return async () => void (await client.request("DELETE", `/sessions/${session.id}`));
});

/** The part of a secret that nothing but itself has. */
const core = (secret: string): string => secret.slice(-20);

function* filesBelow(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const file = path.join(directory, entry.name);
    if (entry.isDirectory()) yield* filesBelow(file);
    else if (entry.isFile()) yield file;
  }
}

function found(bytes: Buffer): string[] {
  return [...secrets]
    .filter(([, secret]) => bytes.includes(core(secret)) || bytes.includes(Buffer.from(core(secret), "utf16le")))
    .map(([name]) => name);
}

describe("keys and tokens", () => {
  test("are in no answer but the one that made them, errors and their headers included", () => {
    expect(answers.length).toBeGreaterThan(30);
    for (const answer of answers)
      expect([found(Buffer.from(answer)), answer.slice(0, 200)]).toEqual([[], answer.slice(0, 200)]);
  });

  test("are in no log", () => {
    expect(found(readFileSync(run.logFile))).toEqual([]);
  });

  test("are nowhere in what the platform stores: databases, KV, R2, workspaces", () => {
    const kept: string[] = [];
    let files = 0;
    for (const file of filesBelow(run.dataDir)) {
      files++;
      // What ended meanwhile is gone.
      const bytes = statSync(file, { throwIfNoEntry: false })?.isFile() === true ? readFileSync(file) : Buffer.alloc(0);
      for (const name of found(bytes)) kept.push(`${name} in ${path.relative(run.dataDir, file)}`);
    }
    expect(files).toBeGreaterThan(10);
    expect(kept).toEqual([]);
  });

  test("are in no command line on this machine, where every user could read them", () => {
    const lines = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`);
        } catch {
          return Buffer.alloc(0);
        }
      });
    expect(found(Buffer.concat(lines))).toEqual([]);
  });

  test("are in no URL that the API gives or takes, but for the link that a preview token is made with", () => {
    for (const { name, route } of OPERATIONS) {
      const names = [...Object.keys(route.params?.shape ?? {}), ...Object.keys(route.query?.shape ?? {})];
      expect([name, names.filter((parameter) => /^(key|token|secret|authorization)$/i.test(parameter))]).toEqual([
        name,
        [],
      ]);
    }
  });
});

describe("a wrong key", () => {
  test("is answered the same however much of it is right, and whether its account exists or not", async () => {
    const right = client.apiKey;
    const another = (character: string): string => (character === "0" ? "1" : "0");
    const keys = [
      ...[5, 24, 25, 40, 55].map((length) => right.slice(0, length) + right.slice(length).replaceAll(/./g, another)),
      `btk_${"0".repeat(52)}`,
      `btk_${"z".repeat(52)}`,
      `btk_${"z".repeat(20)}${right.slice(-32)}`,
      `${right.slice(0, 24)}${clientOf("mallory").apiKey.slice(-32)}`,
      `${clientOf("mallory").apiKey.slice(0, 24)}${right.slice(-32)}`,
      right.toUpperCase(),
      `${right}0`,
    ];
    const bodies = await Promise.all(
      keys.map(async (key) => {
        const response = await clientWith(key).request("GET", "/sessions");
        return `${response.status} ${(await response.text()).replace(/req_[0-9a-z]+/, "")}`;
      }),
    );
    expect(new Set(bodies).size, [...new Set(bodies)].join("\n")).toBe(1);
    expect(bodies[0]).toMatch(/^401 .*"unauthorized"/);
  });

  test("of the operator cannot be guessed from one address a thousand times, and he is let in from his own", async () => {
    const headers = fromElsewhere();
    const guess = async (key: string): Promise<number> => {
      const response = await clientWith(key).request("GET", "/admin/accounts", { headers });
      await response.text();
      return response.status;
    };
    const guesses = Array.from(
      { length: OPERATOR_ATTEMPTS + 20 },
      (_, index) => `${run.adminKey.slice(0, -4)}${index}`,
    );
    const answers = await Promise.all(guesses.map(guess));
    expect(answers.filter((status) => status === 401)).toHaveLength(OPERATOR_ATTEMPTS);
    expect(answers.filter((status) => status === 429)).toHaveLength(20);
    expect(await guess(run.adminKey)).toBe(429);
    expect((await operator().request("GET", "/admin/accounts")).status).toBe(200);
  });

  test("is compared in constant time wherever one is compared", () => {
    const comparing = {
      "src/account/keys-store.ts": /timingSafeEqual\(/,
      "src/http/auth.ts": /timingSafeEqual\(/,
      "src/session/preview-access.ts": /timingSafeEqual\(/,
      "container/engine/server.ts": /timingSafeEqual\(/,
      "container/supervisor/server.ts": /isEqual\(request\.headers\.get\("authorization"\)/,
    };
    for (const [file, how] of Object.entries(comparing)) {
      expect([file, how.test(readFileSync(path.join(ROOT, file), "utf8"))]).toEqual([file, true]);
    }
  });
});
