import { env, SELF } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RATE_WINDOW_MS } from "../../src/contract/limits.ts";
import { answer } from "../../src/http/app.ts";
import { createKey } from "./accounts.ts";
import { ask, createSession, expectProblem, KEY, previewUrl, visit } from "./client.ts";

const LIMIT = 100;

/** Asks a Worker whose operator allows `perMinute`. */
function limited(
  path: string,
  perMinute: string | undefined = String(LIMIT),
  init: RequestInit = {},
): Promise<Response> {
  const request = new Request(`http://localhost:8787/api${path}`, {
    ...init,
    headers: { authorization: `Bearer ${KEY}` },
  });
  const ctx = { waitUntil() {}, passThroughOnException() {} } as unknown as ExecutionContext;
  return answer(request, { ...env, REQUESTS_PER_MINUTE: perMinute }, ctx);
}

const numbers = (response: Response): number[] =>
  ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"].map((name) => Number(response.headers.get(name)));

let now = 1_800_000_000_500;

beforeEach(() => {
  // Past the windows of the test before.
  now += 10 * RATE_WINDOW_MS;
  vi.useFakeTimers({ toFake: ["Date"], now });
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("a key's requests per minute", () => {
  it("are exact under 300 at once, whichever instance of the Worker they come to", async () => {
    const responses = await Promise.all(Array.from({ length: 300 }, () => limited("/sessions")));
    const allowed = responses.filter(({ status }) => status === 200);
    const refused = responses.filter(({ status }) => status === 429);
    expect([allowed.length, refused.length]).toEqual([LIMIT, 200]);
    expect(new Set(allowed.map((response) => response.headers.get("x-ratelimit-remaining"))).size).toBe(LIMIT);
    for (const response of refused) {
      expect(numbers(response)).toEqual([LIMIT, 0, Math.ceil((now + RATE_WINDOW_MS) / 1000)]);
      expect(response.headers.get("retry-after")).toBe("60");
      expect(await expectProblem(response, "rate_limit_exceeded")).toEqual({ limit: LIMIT, retryAfterSeconds: 60 });
    }
  });

  it("are there again after exactly Retry-After, and no later for having been refused", async () => {
    await Promise.all(Array.from({ length: LIMIT }, () => limited("/sessions")));
    vi.setSystemTime(Date.now() + 20_001);
    const refused = await limited("/sessions");
    expect(refused.headers.get("retry-after")).toBe("40");
    await limited("/sessions");
    vi.setSystemTime(now + RATE_WINDOW_MS - 1);
    expect((await limited("/sessions")).headers.get("retry-after")).toBe("1");
    vi.setSystemTime(now + RATE_WINDOW_MS);
    const after = await limited("/sessions");
    expect(after.status).toBe(200);
    expect(numbers(after)).toEqual([LIMIT, LIMIT - 1, Math.ceil((now + 2 * RATE_WINDOW_MS) / 1000)]);
  });

  it("are counted for each key by itself", async () => {
    const [one, another] = [await createKey(), await createKey()];
    const remaining = async (key: string): Promise<number> =>
      numbers(await ask("GET", "/sessions", { headers: { authorization: `Bearer ${key}` } }))[1] ?? 0;
    const first = await remaining(one.key);
    expect(await remaining(one.key)).toBe(first - 1);
    expect(await remaining(another.key)).toBe(first);
  });

  it("are what the plan says where the operator has set nothing", async () => {
    expect(numbers(await limited("/sessions", ""))[0]).toBe(1000);
  });

  it("that the operator has set to nonsense are named in the log, and nobody gets in", async () => {
    const logged = vi.spyOn(console, "error").mockReturnValue();
    for (const nonsense of ["0", "-1", "1.5", "many", "1e3", "10000000000"]) {
      await expectProblem(await limited("/sessions", nonsense), "internal_error");
    }
    expect(logged.mock.calls.flat().join()).toContain("REQUESTS_PER_MINUTE");
  });
});

describe("the headers that tell them", () => {
  it("are on every answer to a good key: successes, errors and streams", async () => {
    const { id } = await createSession();
    const responses = [
      await ask("GET", "/sessions"),
      await ask("GET", "/sessions/ses_00000000000000000000"),
      await ask("GET", "/nothing"),
      await ask("PUT", "/sessions", { body: "" }),
      await ask("POST", "/sessions", { body: "{" }),
      await ask("POST", "/execute", { body: { sessionId: id, command: "echo 1", stream: true } }),
      await ask("PUT", `/sessions/${id}/files/a`, { body: "a" }),
      await ask("GET", `/sessions/${id}/files/a`),
    ];
    expect(responses.map(({ status }) => status)).toEqual([200, 404, 404, 405, 400, 200, 201, 200]);
    const remaining = responses.map((response) => numbers(response)[1] ?? 0);
    expect(remaining).toEqual(remaining.map((_, index) => (remaining[0] ?? 0) - index));
    await Promise.all(responses.map((response) => response.text()));
  });

  it("may be read by a web page", async () => {
    expect((await ask("GET", "/sessions")).headers.get("access-control-expose-headers")).toContain("X-RateLimit-Reset");
  });

  it("are not on what costs nothing: the description, preflights, health, previews, and calls without a key", async () => {
    const { id } = await createSession();
    const before = numbers(await ask("GET", "/sessions"))[1] ?? 0;
    const free = [
      await visit("http://localhost:8787/api/openapi.json"),
      await visit("http://localhost:8787/health"),
      await visit(previewUrl(id)),
      await SELF.fetch("http://localhost:8787/api/sessions", { method: "OPTIONS" }),
      await SELF.fetch("http://localhost:8787/api/sessions"),
    ];
    for (const response of free) {
      expect(response.headers.get("x-ratelimit-limit")).toBeNull();
      await response.text();
    }
    expect(numbers(await ask("GET", "/sessions"))[1]).toBe(before - 1);
  });
});
