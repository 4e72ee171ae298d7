// Where only one uid can be had, user processes are kept apart by namespaces instead: a pid namespace in which the
// supervisor does not exist, and a mount namespace without its sockets and with a /proc that fits. Both are held open
// by one process that does nothing; when it ends the kernel ends all of them. User code must never run before the
// capabilities of the container's root are gone.
import { openSync } from "node:fs";
import type { LaunchOptions } from "./launch.ts";
import { enterPidNamespace, limitProcesses, PROCESSES } from "./libc.ts";

/** Says its pid as the supervisor sees it, once all is in place. Orphans reap themselves since it ignores CHLD. */
const HOLD = `
  set -eu
  read -r pid _ </proc/self/stat
  if [ -n "$1" ]; then umount -l "$1"; fi
  mount -t proc -o nosuid,nodev,noexec proc /proc
  echo "$pid"
  exec env --ignore-signal=CHLD sleep infinity`;

export class UserNamespace {
  readonly #holder: number;
  readonly #inside: number;
  readonly #outside: number;

  /** @param hidden directory that user code must not see, null where there is none. @throws Error saying why not */
  static async open(hidden: string | null): Promise<UserNamespace> {
    const unshare = ["unshare", "--pid", "--mount", "--fork", "--kill-child=KILL"];
    const holder = Bun.spawn(["setpriv", "--pdeathsig", "KILL", ...unshare, "sh", "-c", HOLD, "sh", hidden ?? ""], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const { value } = await holder.stdout.getReader().read();
    const pid = Number(Buffer.from(value ?? []).toString());
    if (pid === 0) throw new Error("the namespace of user processes could not be made");
    // Everything of the user's has ended with it: the next supervisor says so.
    void holder.exited.finally(() => process.exit(1));
    return new UserNamespace(pid);
  }

  private constructor(holder: number) {
    this.#holder = holder;
    this.#inside = openSync(`/proc/${holder}/ns/pid`, "r");
    this.#outside = openSync("/proc/self/ns/pid", "r");
  }

  /**
   * The command line that runs `argv` inside, without any right that user code must not have. To be started with an
   * environment of the supervisor's: LD_PRELOAD and PATH of user code must have no say before the rights are gone.
   */
  wrap({ argv, workingDir, env }: Pick<LaunchOptions, "argv" | "workingDir" | "env">): string[] {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const enter = ["nsenter", `--mount=/proc/${this.#holder}/ns/mnt`, "--"];
    const drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs", "--"];
    return [...enter, ...drop, "env", "--ignore-environment", `--chdir=${workingDir}`, ...variables, ...argv];
  }

  /** What `start` spawns is born in the pid namespace. Synchronous: in the meantime this thread can start no other. */
  born<T>(start: () => T): T {
    enterPidNamespace(this.#inside);
    // The supervisor has the same uid, and must still be able to start what ends them.
    const own = limitProcesses(PROCESSES, { hard: false });
    try {
      return start();
    } finally {
      limitProcesses(own, { hard: false });
      enterPidNamespace(this.#outside);
    }
  }
}
