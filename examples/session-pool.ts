// A pool: work from many at once on a few warm sessions, each of them prepared once and reset between two tasks.
//   node examples/session-pool.ts        (BUNTIME_BASE_URL and BUNTIME_API_KEY say which platform)
import { Buntime } from "buntime";
import type { SessionHandle } from "buntime";

interface PoolOptions {
  /** Sessions at the same time. */
  readonly size: number;
  /** Makes a new session ready. What it leaves behind is what every task begins with. */
  readonly prepare: (session: SessionHandle) => Promise<unknown>;
}

class SessionPool implements AsyncDisposable {
  readonly #options: PoolOptions;
  readonly #idle: SessionHandle[] = [];
  readonly #waiting: ((session: SessionHandle) => void)[] = [];
  readonly #all: SessionHandle[] = [];

  private constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Prepares one session and forks the others from it: a fork copies nothing. */
  static async open(client: Buntime, options: PoolOptions): Promise<SessionPool> {
    const pool = new SessionPool(options);
    const first = await client.sessions.create({ ttl: 3600, metadata: { kind: "pool" } });
    pool.#all.push(first);
    try {
      await options.prepare(first);
      await first.snapshots.create({ label: CLEAN });
      await Promise.all(
        Array.from({ length: options.size - 1 }, async () => {
          const fork = await first.fork({ ttl: 3600 });
          pool.#all.push(fork);
          await fork.snapshots.create({ label: CLEAN });
        }),
      );
    } catch (error) {
      await pool[Symbol.asyncDispose]();
      throw error;
    }
    pool.#idle.push(...pool.#all);
    return pool;
  }

  /** Waits for a session that is free, and gives it back as it was. */
  async use<T>(task: (session: SessionHandle) => Promise<T>): Promise<T> {
    const session = this.#idle.pop() ?? (await new Promise<SessionHandle>((resolve) => this.#waiting.push(resolve)));
    try {
      return await task(session);
    } finally {
      await this.#reset(session);
      const next = this.#waiting.shift();
      if (next === undefined) this.#idle.push(session);
      else next(session);
    }
  }

  /** Ends what runs, and puts the files back. */
  async #reset(session: SessionHandle): Promise<void> {
    await session.execution.kill({ signal: "SIGKILL" });
    const { snapshots } = await session.snapshots.list();
    const clean = snapshots.find(({ label }) => label === CLEAN);
    if (clean !== undefined) await session.snapshots.restore({ snapshotId: clean.snapshotId });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map((session) => session[Symbol.asyncDispose]()));
  }

  get size(): number {
    return this.#options.size;
  }
}

const CLEAN = "clean";

await using pool = await SessionPool.open(new Buntime(), {
  size: 2,
  prepare: (session) =>
    session.files.write({ path: "greet.ts", content: "export const greet = (name) => `hello ${name}`;" }),
});

const names = ["Ada", "Bob", "Cleo", "Dan", "Eve"];
const greetings = await Promise.all(
  names.map((name) =>
    pool.use(async (session) => {
      const code = `import { greet } from "./greet.ts";
const { readdirSync } = await import("node:fs");
const left = readdirSync(".").filter((file) => file.endsWith(".txt"));
await Bun.write("${name}.txt", "mine");
console.log(greet("${name}"), "- left by others:", left.length);`;
      return (await session.execute({ code })).stdout.trim();
    }),
  ),
);
console.log(greetings.join("\n"));
console.log(`${names.length} tasks on ${pool.size} sessions`);
