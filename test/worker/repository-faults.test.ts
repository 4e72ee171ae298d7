import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { newId } from "../../src/contract/ids.ts";
import { Repository } from "../../src/storage/repository.ts";
import { sweep } from "../../src/storage/sweep.ts";
import { loseObject, until } from "./client.ts";
import { gated } from "./gated-bucket.ts";
import type { Fault, Gate } from "./gated-bucket.ts";
import {
  bucketKeys,
  expectFailure,
  expectNothing,
  objectOf,
  put,
  record,
  save,
  stored,
  stubOf,
  valueOf,
} from "./repository-client.ts";

const HOUR_MS = 3_600_000;
const OTHER = "ses_other";
let session: string;

beforeEach(() => {
  session = newId("ses");
  vi.spyOn(console, "error").mockReturnValue();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

interface Weather {
  gate: Gate;
  fault: Fault;
}

/** A repository whose calls to the bucket go as `weather` says; fine to begin with. */
function inWeather(body: (repository: Repository, weather: Weather) => Promise<void>): Promise<void> {
  return runInDurableObject(stubOf(session), async (_object, ctx) => {
    const weather: Weather = { gate: () => Promise.resolve(), fault: "none" };
    const gate: Gate = (what) => weather.gate(what);
    const { bucket } = gated(env.SNAPSHOTS, new Map(), gate, () => weather.fault);
    await body(new Repository(ctx, { ...env, SNAPSHOTS: bucket }), weather);
  });
}

/** Time as the repository sees it goes on by so much, and its alarm comes. The object was lost meanwhile. */
async function alarmAfter(ms: number): Promise<void> {
  await loseObject(stubOf(session));
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });
  expect(await runDurableObjectAlarm(stubOf(session))).toBe(true);
}

async function plain(text: string): Promise<{ digest: string; sizeBytes: number }> {
  const { digest, sizeBytes } = await objectOf(text);
  return { digest, sizeBytes };
}

describe("while the bucket fails", () => {
  it("who waits is told to try again, and the same commit then works", async () => {
    await inWeather(async (repository, weather) => {
      await repository.begin(session);
      const root = await put(session, "root");
      const made = record(session, root);
      weather.fault = "before";
      expectFailure(await repository.commit(made, [root]), "storage_unavailable");
      weather.fault = "none";
      valueOf(await repository.commit(made, [root]));
      weather.fault = "before";
      expectFailure(await repository.verify(session, made.id), "storage_unavailable");
      await repository.reportDamage(root.digest);
      weather.fault = "none";
      const state = valueOf(await repository.verify(session, made.id));
      expect(state.damaged).toBeNull();
    });
  });

  it.for<Fault>(["before", "after"])(
    "a session is removed all the same; the alarm does the rest (%s)",
    async (fault) => {
      await inWeather(async (repository, weather) => {
        await save(repository, session, session, ["root", "pack"]);
        weather.fault = fault;
        await repository.removeSession(session);
        expect((await repository.list(session, { limit: 1, offset: 0 })).total).toBe(0);
      });
      expect((await stored(session)).alarm).not.toBeNull();
      await alarmAfter(HOUR_MS);
      await expectNothing(session);
    },
  );

  it("a call that never answers is given up, and nothing is lost by it", async () => {
    await inWeather(async (repository, weather) => {
      await repository.begin(session);
      const root = await put(session, "root");
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      const asked = Promise.withResolvers<void>();
      weather.gate = () => {
        asked.resolve();
        return new Promise(() => {});
      };
      const commit = repository.commit(record(session, root), [root]);
      await asked.promise;
      vi.advanceTimersByTime(30_000);
      expectFailure(await commit, "storage_unavailable");
      weather.gate = () => Promise.resolve();
      vi.useRealTimers();
      valueOf(await repository.commit(record(session, root), [root]));
    });
  });
});

describe("while something is being deleted", () => {
  it("a snapshot that relies on it is refused, even where it is still in the bucket", async () => {
    await inWeather(async (repository, weather) => {
      await save(repository, session, OTHER, ["others"]);
      const id = await save(repository, session, session, ["root", "pack"]);
      weather.fault = "before";
      valueOf(await repository.remove(session, id));
      await repository.begin(session);
      weather.fault = "none";
      const root = await put(session, "root 2");
      const pack = await plain("pack");
      expect(await bucketKeys(session)).toContain(pack.digest);
      const made = record(session, root);
      const refused = await repository.commit(made, [root, pack]);
      expect(expectFailure(refused, "conflict")["missing"]).toEqual([pack.digest]);
      // The next attempt finds it gone, and sends it.
      await repository.begin(session);
      expect(await bucketKeys(session)).not.toContain(pack.digest);
      await put(session, "pack");
      valueOf(await repository.commit(made, [root, pack]));
      expect(valueOf(await repository.verify(session, made.id)).damaged).toBeNull();
    });
  });

  it("a new upload begins only when that is over", async () => {
    await inWeather(async (repository, weather) => {
      await save(repository, session, OTHER, ["others"]);
      const id = await save(repository, session, session, ["root", "pack"]);
      const opened = Promise.withResolvers<void>();
      const reached = Promise.withResolvers<void>();
      weather.gate = (what) => {
        reached.resolve();
        return what === "delete starts" ? opened.promise : Promise.resolve();
      };
      const removal = repository.remove(session, id);
      await reached.promise;
      let begun = false;
      const begin = (async (): Promise<void> => {
        await repository.begin(session);
        begun = true;
      })();
      await until("the upload is known", () =>
        runInDurableObject(
          stubOf(session),
          (_object, { storage }) => storage.sql.exec("SELECT 1 FROM pin").toArray().length === 1,
        ),
      );
      expect(begun).toBe(false);
      opened.resolve();
      await Promise.all([removal, begin]);
      expect(await bucketKeys(session)).toEqual([(await plain("others")).digest]);
    });
  });
});

it("what a commit names while it looks at the bucket is not deleted under its hands", async () => {
  await inWeather(async (repository, weather) => {
    const id = await save(repository, session, session, ["root", "pack"]);
    // Another upload, so that what becomes unneeded now is left until that has ended.
    await repository.begin(OTHER);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 1000 });
    valueOf(await repository.remove(session, id));
    vi.setSystemTime(Date.now() + 1000);
    await repository.begin(session);
    const root = await put(session, "root 2");
    const opened = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    weather.gate = (what) => {
      reached.resolve();
      return what === "head starts" ? opened.promise : Promise.resolve();
    };
    const commit = repository.commit(record(session, root), [root, await plain("pack")]);
    await reached.promise;
    await repository.removeSession(OTHER);
    opened.resolve();
    const made = valueOf(await commit);
    expect(valueOf(await repository.verify(session, made.id)).damaged).toBeNull();
  });
});

describe("the sweep of the whole bucket", () => {
  it("finds what a repository that is gone has left, and harms no other", async () => {
    const living = newId("ses");
    const repository = env.REPOSITORY.getByName(living) as unknown as Repository;
    const id = await save(repository, living, living, ["root", "pack"]);
    const gone = Array.from({ length: 12 }, () => newId("ses"));
    await Promise.all(gone.flatMap((repositoryId) => [put(repositoryId, "one"), put(repositoryId, "two")]));
    const all = async (): Promise<number> => (await Promise.all(gone.map(bucketKeys))).flat().length;
    await sweep(env);
    expect(await all()).toBe(24);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + HOUR_MS + 1000 });
    await sweep(env);
    expect(await all()).toBe(0);
    expect(valueOf(await repository.verify(living, id)).damaged).toBeNull();
  });

  it("goes on where the last run ended, and begins anew after the last repository", async () => {
    const [first, second] = ["ses_a", "ses_b"];
    await Promise.all([first, second].map((repositoryId) => put(repositoryId ?? "", "left")));
    await env.DIRECTORY.put("sweep/after", first ?? "");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + HOUR_MS + 1000 });
    await sweep(env);
    expect(await bucketKeys("ses_a")).toHaveLength(1);
    expect(await bucketKeys("ses_b")).toHaveLength(0);
    expect(await env.DIRECTORY.get("sweep/after")).toBeNull();
    await sweep(env);
    expect(await bucketKeys("ses_a")).toHaveLength(0);
  });
});
