// A session that something happens to: begun with a workspace that is saved (`before`) and changed since (`now`), asked
// until it answers, left alone until it rests, and looked into.
import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { expect } from "vitest";
import { Snapshot } from "../../../src/contract/snapshot.ts";
import { ask, createSession, engine, until } from "../client.ts";
import { describeFault, losesContainer, trapOf } from "./faults.ts";
import type { Fault } from "./faults.ts";
import { carryOut, ordersCarriedOut } from "./operator.ts";
import { containersOf, expectGone, expectTidy } from "./oracle.ts";
import { arm, disarm } from "./steps.ts";
import type { Step } from "./steps.ts";
import { passTime } from "./time.ts";
import { begin, change, isSame, look } from "./tree.ts";
import type { Tree } from "./tree.ts";

export interface Outcome {
  /** What the session did meanwhile. */
  readonly steps: readonly Step[];
  /** Faults that happened; one whose step did not come again did not. */
  readonly injected: number;
  readonly treesCompared: number;
  readonly bytesCompared: number;
}

/** Longer than the longest pause between two attempts of the machine. */
const RETRY_MS = 11 * 60_000;
const ALARMS = 12;
/** More than an outage lasts. */
const CALLS = 8;
export const DAY_MS = 86_400_000;

export class World {
  readonly id: string;
  readonly before: Tree;
  readonly saved: string;
  readonly now: Tree;
  readonly #faults: readonly Fault[];
  #treesCompared = 0;
  #bytesCompared = 0;
  #seen: { readonly steps: readonly Step[]; readonly sprung: number } = { steps: [], sprung: 0 };

  private constructor(id: string, trees: Pick<World, "before" | "saved" | "now">, faults: readonly Fault[]) {
    this.id = id;
    this.before = trees.before;
    this.saved = trees.saved;
    this.now = trees.now;
    this.#faults = faults;
  }

  static async begin(faults: readonly Fault[], name: string | null): Promise<World> {
    const { id } = await createSession({ name: name ?? undefined, ttl: DAY_MS / 1000 });
    const before = await begin(id);
    const saved = await json(Snapshot, await ask("POST", `/sessions/${id}/snapshots`, { body: { label: "first" } }));
    return new World(id, { before, saved: saved.snapshotId, now: await change(id) }, faults);
  }

  /** Whether what was not saved may be lost. */
  get mayLose(): boolean {
    return this.#faults.some(losesContainer);
  }

  arm(): void {
    const target = { sessionId: this.id, repositoryId: this.id };
    arm(this.#faults.map((fault) => trapOf(fault, target)));
  }

  async disarm(): Promise<void> {
    this.#seen = disarm();
    await ordersCarriedOut();
  }

  get outcome(): Outcome {
    return {
      steps: this.#seen.steps,
      injected: this.#seen.sprung,
      treesCompared: this.#treesCompared,
      bytesCompared: this.#bytesCompared,
    };
  }

  /** Asks again until it is answered as it should be: a client that is told to try again does. */
  async persist(method: string, path: string, options: Parameters<typeof ask>[2] = {}): Promise<Response> {
    const answers: string[] = [];
    for (let call = 1; call <= CALLS; call++) {
      try {
        const response = await ask(method, path, options);
        if (response.status < 300) {
          return response;
        }
        answers.push(`${response.status} ${await response.text()}`);
        if (response.status === 404) {
          return new Response(answers.at(-1), { status: 404 });
        }
      } catch (error) {
        answers.push(String(error));
      }
    }
    throw new Error(`${method} ${path} was not answered: ${answers.join("; ")}`);
  }

  alarm(id = this.id): Promise<boolean> {
    return runDurableObjectAlarm(env.SESSION.getByName(id));
  }

  /** Only alarms, until the session is in that phase. */
  async rest(phase: string, id = this.id): Promise<void> {
    for (let alarms = 0; alarms < ALARMS; alarms++) {
      if ((await phaseOf(id)) === phase) {
        return;
      }
      passTime(RETRY_MS);
      await this.alarm(id).catch(() => false);
    }
    expect(await phaseOf(id), "the session comes to rest by its alarms").toBe(phase);
  }

  /** The workspace as a client finds it is one of these, bit for bit. */
  async expectTree(trees: readonly Tree[], what: string, id = this.id): Promise<Tree> {
    const answers: string[] = [];
    for (let call = 1; call <= CALLS; call++) {
      const { tree, answer } = await look(id);
      if (tree !== null) {
        // It may have been killed as soon as it had answered.
        expect(this.mayLose ? [0, 1] : [1], "one container runs").toContain(await containersOf(id));
        const found = trees.find((allowed) => isSame(allowed, tree));
        expect(
          found,
          `${what}: the workspace is as it was. Faults: ${this.faults}. ${JSON.stringify({ tree, trees })}`,
        ).toBeDefined();
        this.#treesCompared++;
        this.#bytesCompared += tree.bytes;
        return tree;
      }
      answers.push(answer);
    }
    throw new Error(`${what}: the session did not answer: ${answers.join("; ")}`);
  }

  /** The container is gone, and the session knows. */
  async loseContainer(): Promise<void> {
    await carryOut("kill container", { sessionId: this.id, repositoryId: this.id });
    await until("the container has ended", async () => {
      const { running } = (await engine("GET", `/containers/${this.id}`)) as { running: boolean };
      return !running;
    });
    // In its own time it would be noticed by the question that is held open.
    await until("the session has noticed", async () => (await phaseOf(this.id)) === "asleep");
  }

  async tidy(sessionIds: readonly string[]): Promise<void> {
    this.#bytesCompared += await expectTidy(this.id, sessionIds);
  }

  /** Ends as every session does, and leaves nothing. */
  async end(): Promise<void> {
    await this.persist("DELETE", `/sessions/${this.id}`);
    await this.rest("gone");
    await expectGone(this.id, this.id);
  }

  get faults(): string {
    return this.#faults.map(describeFault).join(" and ");
  }
}

/** As stored. An object that is lost while it is asked is asked again. */
async function phaseOf(id: string): Promise<string> {
  for (let call = 1; ; call++) {
    try {
      return await runInDurableObject(env.SESSION.getByName(id), (_object, { storage }) => storedPhase(storage.sql));
    } catch (error) {
      if (call === CALLS) {
        throw error;
      }
    }
  }
}

function storedPhase(sql: SqlStorage): string {
  if (sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'session'").toArray().length === 0) {
    return "gone";
  }
  const [row] = sql.exec<{ state: string }>("SELECT state FROM session").toArray();
  // SAFETY: the session's store wrote it.
  return row === undefined ? "gone" : (JSON.parse(row.state) as { phase: string }).phase;
}

/** The value of an answer that has one. */
export async function json<T>(schema: { parse(value: unknown): T }, response: Response): Promise<T> {
  const text = await response.text();
  expect(response.status, text).toBeLessThan(300);
  return schema.parse(JSON.parse(text));
}
