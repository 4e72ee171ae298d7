// Where an engine keeps what, below its data directory:
//   engine/lock                 the pid of the engine that owns all this
//   engine/image/               every container's root, made anew at each start of the engine
//   engine/<id>/workspace/      a session's files: the only thing that stays when the engine ends
//   engine/<id>/state/          of a running container: sockets, fstab, pid; its log until the next start
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
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
  readonly path: string;
  readonly lock: string;
  readonly image: string;

  constructor(dataDir: string) {
    this.path = join(dataDir, "engine");
    this.lock = join(this.path, "lock");
    this.image = join(this.path, "image");
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
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

  /** Ends and removes what an engine that was killed left behind. All but the workspaces goes. */
  async clean(): Promise<void> {
    await rm(this.image, { recursive: true, force: true });
    for (const { pidFile, state } of this.#ids().map((id) => this.container(id))) {
      if (existsSync(pidFile)) await endLeftover(readFileSync(pidFile, "utf8").trim());
      rmSync(state, { recursive: true, force: true });
    }
  }

  #ids(): string[] {
    return readdirSync(this.path).filter((name) => SESSION_ID.test(name));
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
