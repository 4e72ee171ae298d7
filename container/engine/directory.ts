// Where an engine keeps what, below its data directory:
//   engine/lock                 the pid of the engine that owns all this
//   engine/image/               every container's root, made anew at each start of the engine
//   engine/<id>/workspace/      the disk of a running container; it goes with the container
//   engine/<id>/state/          of a running container: sockets, fstab, pid; its log until the next start
//   engine/trash/               disks of containers that have ended, until they are removed
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { SESSION_ID } from "../../src/contract/ids.ts";
import { startTime } from "./launch.ts";

export interface ContainerDirectory {
  readonly path: string;
  readonly workspace: string;
  readonly state: string;
  /** Mounted at /run/buntime: all that a container sees of the state. */
  readonly sockets: string;
  readonly fstab: string;
  readonly log: string;
  /** `<pid of PID 1> <its start time>` while it runs. */
  readonly pidFile: string;
  allWorkspaces(): string[];
}

export class EngineDirectory {
  readonly #trash: string;
  #removing: Promise<void> = Promise.resolve();
  readonly path: string;
  readonly lock: string;
  readonly image: string;

  constructor(dataDir: string) {
    this.path = join(dataDir, "engine");
    this.lock = join(this.path, "lock");
    this.image = join(this.path, "image");
    this.#trash = join(this.path, "trash");
    mkdirSync(this.#trash, { recursive: true, mode: 0o700 });
  }

  container(id: string): ContainerDirectory {
    const path = join(this.path, id);
    const state = join(path, "state");
    return {
      path,
      workspace: join(path, "workspace"),
      state,
      sockets: join(state, "sockets"),
      fstab: join(state, "fstab"),
      log: join(state, "log"),
      pidFile: join(state, "pid"),
      allWorkspaces: () => this.#ids().map((other) => join(this.path, other, "workspace")),
    };
  }

  /** Takes the disk of a container that has ended out of the way at once; it is removed in its time. Its log stays. */
  discardDisk(id: string): void {
    this.#discard(this.container(id).workspace);
  }

  /** The same with everything of a container. */
  discard(id: string): void {
    this.#discard(this.container(id).path);
  }

  #discard(path: string): void {
    if (!existsSync(path)) return;
    renameSync(path, join(this.#trash, crypto.randomUUID()));
    this.#removing = this.#removing.then(() => this.#empty());
  }

  /** Resolves when everything that was discarded is removed. Nothing may be discarded afterwards. */
  async emptied(): Promise<void> {
    await this.#removing;
    await rm(this.#trash, { recursive: true, force: true });
  }

  /** Ends and removes what an engine that was killed left behind. */
  async clean(): Promise<void> {
    await rm(this.image, { recursive: true, force: true });
    for (const id of this.#ids()) {
      const { pidFile } = this.container(id);
      if (existsSync(pidFile)) await endLeftover(readFileSync(pidFile, "utf8").trim());
      this.discard(id);
    }
    this.#removing = this.#removing.then(() => this.#empty());
  }

  async #empty(): Promise<void> {
    try {
      // Not the directory itself: at any moment something may be moved into it.
      for (const name of readdirSync(this.#trash)) await removeTree(join(this.#trash, name));
    } catch (error) {
      // Tried again with the next one.
      console.error("engine: a disk was not removed", error);
    }
  }

  #ids(): string[] {
    return readdirSync(this.path).filter((name) => SESSION_ID.test(name));
  }
}

/** Directories that user code has closed are in an ordinary user's way: they are opened first. */
async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch {
    await Bun.$`chmod --recursive u+rwX ${path}`.quiet().nothrow();
    await rm(path, { recursive: true, force: true });
  }
}

/** The kernel ends containers with their engine; this is for one that is still about it. */
async function endLeftover(name: string): Promise<void> {
  const [pid = "", started] = name.split(" ");
  const deadline = Date.now() + 5000;
  const lives = () => started !== undefined && startTime(Number(pid)) === started;
  while (lives()) {
    if (Date.now() > deadline) throw new Error(`process ${pid} of an earlier engine cannot be ended`);
    process.kill(Number(pid), "SIGKILL");
    await Bun.sleep(5);
  }
}
