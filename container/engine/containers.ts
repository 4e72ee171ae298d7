// The engine's containers by id. Calls for one id are answered one after the other, so that many starts at the same time
// are one start, and a deletion never meets half a start.
import { type Container, type Exit, type Host, type StartOptions, startContainer } from "./container.ts";
import type { EngineDirectory } from "./directory.ts";

const SIGTERM = 15;
const SIGKILL = 9;
const AGAIN_MS = 500;

export interface Status {
  readonly running: boolean;
  /** How the last run ended; null while running and when there was none. */
  readonly exit: Exit | null;
}

interface Entry {
  /** Settles when the last call for this id is done. */
  queue: Promise<unknown>;
  running: Container | null;
  exit: Exit | null;
}

export class Containers {
  readonly #host: Host;
  readonly #directory: EngineDirectory;
  readonly #entries = new Map<string, Entry>();
  #closed = false;

  constructor(host: Host, directory: EngineDirectory) {
    this.#host = host;
    this.#directory = directory;
  }

  status(id: string): Status {
    const entry = this.#entries.get(id);
    return { running: entry?.running !== null && entry !== undefined, exit: entry?.exit ?? null };
  }

  running(id: string): Container | null {
    return this.#entries.get(id)?.running ?? null;
  }

  /** @throws LaunchError */
  async start(id: string, options: StartOptions): Promise<void> {
    await this.#inTurn(id, async (entry) => {
      if (entry.running !== null) return;
      if (this.#closed) throw new Error("the engine is stopping");
      this.#directory.discard(id);
      const container = await startContainer(this.#host, this.#directory.container(id), options);
      entry.running = container;
      entry.exit = null;
      const onExit = (exit: Exit) => {
        entry.running = null;
        entry.exit = exit;
        // As on the platform: the next start finds a new disk, whatever there was on this one.
        this.#directory.discardDisk(id);
      };
      // A disk that cannot be moved now is in the way of the next start, which says so, and of nobody else.
      container.exited.then(onExit).catch((error: unknown) => console.error("engine: a disk was not discarded", error));
    });
  }

  /** Kills it. Its files can be reached by nobody any more, and are removed. */
  async delete(id: string): Promise<void> {
    await this.#inTurn(id, async (entry) => {
      await end(entry);
      entry.exit = null;
      this.#directory.discard(id);
    });
  }

  /** Ends all, with a moment for each to save its files and end by itself. Nothing starts afterwards. */
  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    await Promise.all(
      [...this.#entries.keys()].map((id) =>
        this.#inTurn(id, async (entry) => {
          const deadline = performance.now() + graceMs;
          while (entry.running !== null && performance.now() < deadline) {
            // To one that has just started it may have to be said again: until PID 1 listens, the kernel drops it.
            entry.running.signal(SIGTERM);
            await Promise.race([entry.running.exited, Bun.sleep(AGAIN_MS)]);
          }
          await end(entry);
          this.#directory.discard(id);
        }),
      ),
    );
    await this.#directory.emptied();
  }

  async #inTurn(id: string, action: (entry: Entry) => Promise<void>): Promise<void> {
    const entry = this.#entries.get(id) ?? { queue: Promise.resolve(), running: null, exit: null };
    this.#entries.set(id, entry);
    const done = entry.queue.then(() => action(entry));
    const settled = done.catch(() => {});
    entry.queue = settled;
    await settled;
    if (entry.queue === settled && entry.running === null && entry.exit === null) this.#entries.delete(id);
    await done;
  }
}

async function end(entry: Entry): Promise<void> {
  entry.running?.signal(SIGKILL);
  await entry.running?.exited;
}
