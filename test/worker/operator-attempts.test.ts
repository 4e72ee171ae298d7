import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AuditPage } from "../../src/contract/account.ts";
import { OPERATOR_ATTEMPTS, RATE_WINDOW_MS } from "../../src/contract/limits.ts";
import { ADMIN_KEY, askAs } from "./accounts.ts";
import { ask, expectProblem } from "./client.ts";

let now = 1_900_000_000_000;

beforeEach(() => {
  now += 10 * RATE_WINDOW_MS;
  vi.useFakeTimers({ toFake: ["Date"], now });
});

afterEach(() => {
  vi.useRealTimers();
});

const from = (address: string, key: string, path = "/admin/accounts"): Promise<Response> =>
  askAs(key, "GET", path, { headers: { "cf-connecting-ip": address } });

async function statuses(answers: readonly Promise<Response>[]): Promise<number[]> {
  return (
    await Promise.all(answers.map(async (answer) => [(await answer).status, await (await answer).text()] as const))
  ).map(([status]) => status);
}

const wrong = (address: string, count: number): Promise<number[]> =>
  statuses(Array.from({ length: count }, (_, index) => from(address, `${ADMIN_KEY}${index}`)));

describe("who guesses the operator's key", () => {
  it("is looked at so often in a minute, however many guesses come at once, and told when again", async () => {
    const answers = await wrong("192.0.2.1", OPERATOR_ATTEMPTS + 20);
    expect(answers.filter((status) => status === 401)).toHaveLength(OPERATOR_ATTEMPTS);
    expect(answers.filter((status) => status === 429)).toHaveLength(20);
    vi.setSystemTime(now + 18_001);
    const refused = await from("192.0.2.1", "adm_another_guess_here");
    expect(refused.headers.get("retry-after")).toBe("42");
    expect(await expectProblem(refused, "rate_limit_exceeded")).toEqual({
      limit: OPERATOR_ATTEMPTS,
      retryAfterSeconds: 42,
    });
  });

  it("does not learn that a guess was right until then, and is let in at exactly that time", async () => {
    await wrong("192.0.2.2", OPERATOR_ATTEMPTS);
    const [right, other] = [await from("192.0.2.2", ADMIN_KEY), await from("192.0.2.2", `${ADMIN_KEY}x`)];
    const text = async (response: Response): Promise<string> => (await response.text()).replace(/req_[0-9a-z]+/, "");
    expect([right.status, await text(right)]).toEqual([other.status, await text(other)]);
    vi.setSystemTime(now + RATE_WINDOW_MS - 1);
    expect((await from("192.0.2.2", ADMIN_KEY)).status).toBe(429);
    vi.setSystemTime(now + RATE_WINDOW_MS);
    expect((await from("192.0.2.2", ADMIN_KEY)).status).toBe(200);
  });

  it("does not lock the operator out who comes from another address, nor who was wrong a few times", async () => {
    await wrong("192.0.2.3", OPERATOR_ATTEMPTS + 1);
    await wrong("192.0.2.4", OPERATOR_ATTEMPTS - 1);
    for (const address of ["192.0.2.4", "192.0.2.5", "2001:db8::1"]) {
      expect((await from(address, ADMIN_KEY)).status).toBe(200);
    }
    expect((await askAs(ADMIN_KEY, "GET", "/admin/accounts")).status).toBe(200);
  });

  it("has one account of guesses for a whole network of IPv6 addresses", async () => {
    const answers = Array.from({ length: OPERATOR_ATTEMPTS }, (_, index) =>
      from(`2001:db8:1:2::${index.toString(16)}`, "adm_guess_guess_guess"),
    );
    expect(new Set(await statuses(answers))).toEqual(new Set([401]));
    expect((await from("2001:0DB8:1:2:ffff::1", ADMIN_KEY)).status).toBe(429);
    expect((await from("2001:db8:1:3::1", ADMIN_KEY)).status).toBe(200);
  });

  it("is not counted for calls that show no key, and a request for an account's API is no guess", async () => {
    const bare = Array.from({ length: OPERATOR_ATTEMPTS + 1 }, () =>
      ask("GET", "/admin/accounts", { headers: { authorization: "", "cf-connecting-ip": "192.0.2.6" } }),
    );
    expect(new Set(await statuses(bare))).toEqual(new Set([401]));
    const elsewhere = Array.from({ length: OPERATOR_ATTEMPTS + 1 }, () =>
      from("192.0.2.6", "btk_nothing", "/sessions"),
    );
    expect(new Set(await statuses(elsewhere))).toEqual(new Set([401]));
    expect((await from("192.0.2.6", ADMIN_KEY)).status).toBe(200);
  });

  it("is in the audit log, and not a thousand times", async () => {
    await wrong("192.0.2.7", OPERATOR_ATTEMPTS + 100);
    const page = AuditPage.parse(await (await askAs(ADMIN_KEY, "GET", "/admin/audit?limit=100")).json());
    const refused = page.entries.filter(({ details }) => details["reason"] === "operator_key");
    expect(refused.length).toBeGreaterThanOrEqual(1);
    expect(refused.length).toBeLessThan(10);
  });
});
