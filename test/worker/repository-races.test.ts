// Sessions, alarms, sweeps, failures of R2 and losses of the object in random order, on real storage and a real bucket.
import { env, runInDurableObject } from "cloudflare:test";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { newId } from "../../src/contract/ids.ts";
import type { Result } from "../../src/lib/result.ts";
import { putObject } from "../../src/storage/objects.ts";
import { Repository } from "../../src/storage/repository.ts";
import type { RepositoryRpc, SnapshotRecord, SnapshotState, StoredObject } from "../../src/storage/rpc.ts";
import { gated } from "./gated-bucket.ts";
import type { Ages, Fault, Gated } from "./gated-bucket.ts";
import { bucketKeys, expectNothing, objectOf, record, stubOf, valueOf } from "./repository-client.ts";

const MINUTE_MS = 60_000;
const RUNS = 40;

/** What a session does; numbers choose among what there is then. */
type Step =
  | { readonly do: "save"; readonly contents: readonly number[]; readonly label: boolean; readonly giveUp: boolean }
  | { readonly do: "remove"; readonly which: number }
  | { readonly do: "copy"; readonly which: number }
  | { readonly do: "verify"; readonly which: number }
  | { readonly do: "leave" };
type Event = { readonly do: "alarm" | "sweep" | "lose" } | { readonly do: "wait"; readonly minutes: number };

const which = fc.nat(9);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("save" as const),
      // Of few contents, so that what one deletes another is just sending.
      contents: fc.uniqueArray(fc.nat(4), { minLength: 1, maxLength: 4 }),
      label: fc.boolean(),
      giveUp: fc.integer({ min: 0, max: 5 }).map((dice) => dice === 0),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("remove" as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("copy" as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("verify" as const), which }) },
  { weight: 1, arbitrary: fc.constant({ do: "leave" as const }) },
);
const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ do: fc.constantFrom("alarm" as const, "sweep" as const, "lose" as const) }),
  fc.record({ do: fc.constant("wait" as const), minutes: fc.constantFrom(1, 30, 61, 8 * 24 * 60) }),
);
const fault = fc.constantFrom<Fault>("none", "none", "none", "none", "none", "none", "none", "none", "before", "after");

beforeEach(() => {
  vi.spyOn(console, "error").mockReturnValue();
  // Far ahead, so that no alarm that is set comes by itself. Timers stand still: who was lost must not go on.
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: Date.now() + 365 * 86_400_000 });
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

class World {
  readonly id = newId("ses");
  readonly snapshots: { readonly id: string; readonly sessionId: string }[] = [];
  readonly storage: DurableObjectStorage;
  readonly #ctx: DurableObjectState;
  readonly #scheduler: fc.Scheduler;
  readonly #ages: Ages = new Map();
  #faults: Fault[];
  #gated: Gated;
  #end: PromiseWithResolvers<"lost">;
  repository: Repository;

  constructor(id: string, ctx: DurableObjectState, scheduler: fc.Scheduler, faults: readonly Fault[]) {
    this.id = id;
    this.#ctx = ctx;
    this.storage = ctx.storage;
    this.#scheduler = scheduler;
    this.#faults = [...faults];
    ({ gated: this.#gated, end: this.#end, repository: this.repository } = this.#start());
  }

  #start(): { gated: Gated; end: PromiseWithResolvers<"lost">; repository: Repository } {
    const bucket = this.bucket();
    const bindings = { ...env, SNAPSHOTS: bucket.bucket };
    return { gated: bucket, end: Promise.withResolvers(), repository: new Repository(this.#ctx, bindings) };
  }

  bucket(): Gated {
    const nextFault = (): Fault => this.#faults.pop() ?? "none";
    return gated(env.SNAPSHOTS, this.#ages, (what) => this.turn(what), nextFault);
  }

  async turn(what: string): Promise<void> {
    await this.#scheduler.schedule(Promise.resolve(), what);
    vi.setSystemTime(Date.now() + 1);
  }

  /** The next instance knows what was stored, and nothing else. */
  async lose(): Promise<void> {
    const { resolve } = this.#end;
    await this.#gated.lose();
    ({ gated: this.#gated, end: this.#end, repository: this.repository } = this.#start());
    resolve("lost");
  }

  endFaults(): void {
    this.#faults = [];
  }

  /** Null where the object was lost meanwhile. */
  async ask<T>(call: (repository: RepositoryRpc) => Promise<T>): Promise<T | null> {
    await this.turn("a call arrives");
    const answer = await Promise.race([call(this.repository), this.#end.promise]);
    return answer === "lost" ? null : answer;
  }

  #needs(): Map<string, string> {
    const rows = this.storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'need'").toArray();
    const needs =
      rows.length === 0
        ? []
        : this.storage.sql
            .exec<{ id: string; digest: string }>("SELECT id, digest FROM need JOIN snapshot USING (sequence)")
            .toArray();
    return new Map(needs.map(({ id, digest }) => [`${id} ${digest}`, digest]));
  }

  /** Whatever is going on: what a snapshot needs, before and after looking, is there. */
  async expectWhole(): Promise<void> {
    const before = this.#needs();
    const keys = new Set(await bucketKeys(this.id));
    for (const need of this.#needs().keys()) {
      const digest = before.get(need);
      expect(digest === undefined || keys.has(digest), `of ${need}`).toBe(true);
    }
  }
}

type Sent = Awaited<ReturnType<typeof objectOf>>;

function first(objects: readonly Sent[]): Sent {
  const [root] = objects;
  if (root === undefined) {
    throw new Error("a snapshot has a root");
  }
  return root;
}

/** A session as it uses a repository: it sends what it does not believe to be stored, and all of it after a refusal. */
class Client {
  readonly #world: World;
  readonly #sessionId: string;
  readonly #believed = new Set<string>();

  constructor(world: World, sessionId: string) {
    this.#world = world;
    this.#sessionId = sessionId;
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const next of steps) {
      await this.#take(next);
      await this.#world.expectWhole();
      if (next.do === "leave") {
        return;
      }
    }
  }

  async #take(next: Step): Promise<void> {
    const sessionId = this.#sessionId;
    switch (next.do) {
      case "save":
        await this.#save(next);
        break;
      case "remove": {
        const own = this.#world.snapshots.filter((snapshot) => snapshot.sessionId === sessionId);
        const snapshot = own[next.which % Math.max(1, own.length)];
        if (snapshot !== undefined) {
          await this.#world.ask((repository) => repository.remove(sessionId, snapshot.id));
        }
        break;
      }
      case "copy": {
        const source = this.#world.snapshots[next.which % Math.max(1, this.#world.snapshots.length)];
        if (source !== undefined) {
          const from = { sessionId: source.sessionId, snapshotId: source.id };
          const target = { id: newId("snp"), sessionId, label: null, reason: "restore" as const, createdAt: 1 };
          this.#note(target.id, await this.#world.ask((repository) => repository.copy(from, target)));
        }
        break;
      }
      case "verify": {
        const snapshot = this.#world.snapshots[next.which % Math.max(1, this.#world.snapshots.length)];
        if (snapshot !== undefined) {
          const answer = await this.#world.ask((repository) => repository.verify(snapshot.sessionId, snapshot.id));
          expect(answer).not.toMatchObject({ error: { code: "conflict" } });
        }
        break;
      }
      case "leave":
        await this.#leave();
        break;
    }
  }

  async #save({ contents, label, giveUp }: Extract<Step, { do: "save" }>): Promise<void> {
    const sessionId = this.#sessionId;
    const objects = await Promise.all(contents.map((content) => objectOf(`content ${content}`)));
    const made = record(sessionId, first(objects), { label: label ? "label" : null });
    for (let attempt = 0; attempt < 3; attempt++) {
      await this.#world.ask((repository) => repository.begin(sessionId));
      const sent = await this.#send(objects.filter((object) => attempt > 0 || !this.#believed.has(object.digest)));
      if (giveUp) {
        // Or is lost before it can say so.
        if (contents.length > 1) {
          await this.#world.ask((repository) => repository.giveUp(sessionId));
        }
        return;
      }
      // One whose answer was lost is made again, as a session does.
      if (sent && (await this.#commit(made, objects))) {
        for (const { digest } of objects) {
          this.#believed.add(digest);
        }
        const newest = await this.#world.ask((repository) => repository.newest(sessionId));
        expect(newest ?? { snapshot: made, passedOver: [] }).toMatchObject({
          snapshot: { id: made.id },
          passedOver: [],
        });
        return;
      }
    }
  }

  /** Is removed while it uploads: what comes late must not bring it back. */
  async #leave(): Promise<void> {
    const sessionId = this.#sessionId;
    const objects = [await objectOf("content 0"), await objectOf("late")];
    await this.#world.ask((repository) => repository.begin(sessionId));
    const late = this.#send(objects).then(() => this.#commit(record(sessionId, first(objects)), objects));
    const removal = async (): Promise<void> => {
      // As the session's alarm does.
      while ((await this.#world.ask((repository) => repository.removeSession(sessionId).then(() => true))) === null);
    };
    await Promise.all([late, removal()]);
    const list = await this.#world.ask((repository) => repository.list(sessionId, { limit: 10, offset: 0 }));
    expect(list?.snapshots ?? []).toEqual([]);
  }

  async #send(objects: readonly Sent[]): Promise<boolean> {
    const { bucket } = this.#world.bucket();
    const sent = await Promise.allSettled(
      objects.map(({ digest, bytes }) => putObject(bucket, this.#world.id, { digest, body: bytes })),
    );
    return sent.every((outcome) => outcome.status === "fulfilled");
  }

  async #commit(made: SnapshotRecord, objects: readonly Sent[]): Promise<boolean> {
    const plain: StoredObject[] = objects.map(({ digest, sizeBytes }) => ({ digest, sizeBytes }));
    const answer = await this.#world.ask((repository) => repository.commit(made, plain));
    this.#note(made.id, answer);
    return answer?.ok ?? false;
  }

  #note(id: string, answer: Result<SnapshotState> | null): void {
    if (answer?.ok) {
      this.#world.snapshots.push({ id, sessionId: this.#sessionId });
    }
  }
}

async function happen(world: World, events: readonly Event[]): Promise<void> {
  for (const next of events) {
    await world.turn(next.do);
    switch (next.do) {
      case "alarm":
        await world.ask(() => world.repository.alarm());
        break;
      case "sweep":
        await world.ask((repository) => repository.sweep());
        break;
      case "lose":
        await world.lose();
        break;
      case "wait":
        vi.setSystemTime(Date.now() + next.minutes * MINUTE_MS);
        break;
    }
    await world.expectWhole();
  }
}

it("no snapshot ever misses an object, and after the last session nothing is left, whatever happens when", async () => {
  let saved = 0;
  const property = fc.asyncProperty(
    fc.scheduler(),
    fc.tuple(...[8, 8, 8].map((maxLength) => fc.array(step, { maxLength }))),
    fc.array(event, { maxLength: 10 }),
    fc.array(fault, { maxLength: 60 }),
    async (scheduler, sessions, events, faults) => {
      const id = newId("ses");
      await runInDurableObject(stubOf(id), async (_object, ctx) => {
        const world = new World(id, ctx, scheduler, faults);
        const clients = sessions.map((steps, index) => new Client(world, `ses_${index}`).run(steps));
        await scheduler.waitFor(Promise.all([...clients, happen(world, events)]));

        world.endFaults();
        const left = sessions.map((_steps, index) => `ses_${index}`);
        const finish = async (): Promise<void> => {
          for (const sessionId of left) {
            const { snapshots } = await world.repository.list(sessionId, { limit: 100, offset: 0 });
            saved += snapshots.length;
            for (const snapshot of snapshots) {
              expect(valueOf(await world.repository.verify(sessionId, snapshot.id)).damaged).toBeNull();
            }
          }
          for (const sessionId of left) {
            await world.repository.removeSession(sessionId);
          }
          // Uploads that were given up end, and what came late is found.
          vi.setSystemTime(Date.now() + 130 * MINUTE_MS);
          await world.repository.alarm();
          await world.repository.sweep();
        };
        await scheduler.waitFor(finish());
      });
      await expectNothing(id);
    },
  );
  await fc.assert(property, { numRuns: RUNS });
  expect(saved).toBeGreaterThan(RUNS);
}, 120_000);
