// Where only one uid can be had, user processes are kept apart by namespaces instead: a pid namespace in which the
// supervisor does not exist, and a mount namespace without its sockets and with a /proc that fits. Both are held open
// by one process that does nothing; when it ends the kernel ends all of them. User code must never run before the
// capabilities of the container's root are gone.
import type { LaunchOptions } from "./launch.ts";
import { PROCESSES } from "./libc.ts";
import { readFirstChild, readStatus } from "./proc-filesystem.ts";

/** Says its pid as the supervisor sees it, once all is in place. Orphans reap themselves since it ignores CHLD. */
const HOLD = `
  set -eu
  read -r pid _ </proc/self/stat
  if [ -n "$1" ]; then umount -l "$1"; fi
  mount -t proc -o nosuid,nodev,noexec proc /proc
  echo "$pid"
  exec env --ignore-signal=CHLD sleep infinity`;

/** On a machine that is busy beyond all measure; a millisecond is usual. */
const FIRST_INSIDE_MS = 5000;

export class UserNamespace {
  readonly #holder: number;

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
  }

  /**
   * The command line that runs `argv` inside, without any right that user code must not have. To be started with an
   * environment of the supervisor's: LD_PRELOAD and PATH of user code must have no say before the rights are gone.
   * nsenter stays outside, waits for what it started, and ends as that did. (To enter by setns around a spawn would be
   * cheaper, but in between the thread cannot start another, and Bun aborts when it wants one.)
   */
  wrap(
    { argv, workingDir, env }: Pick<LaunchOptions, "argv" | "workingDir" | "env">,
    enterSession: readonly string[],
  ): string[] {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const namespaces = `/proc/${this.#holder}/ns`;
    // A session of its own, so that signals to its group leave nsenter alone.
    const enter = ["nsenter", `--pid=${namespaces}/pid`, `--mount=${namespaces}/mnt`, "--", ...enterSession];
    const limit = ["prlimit", `--nproc=${PROCESSES}:${PROCESSES}`];
    const drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs", "--"];
    return [...enter, ...limit, ...drop, "env", "--ignore-environment", `--chdir=${workingDir}`, ...variables, ...argv];
  }
}

/**
 * The first process inside, as the supervisor knows it, of a command line that `wrap` made. Waits until there is one: a
 * program that nobody knows would be stopped without its nsenter, and that stop itself for good. Null where nsenter has
 * ended already: it failed, with a message on stderr, or the program was that short.
 * @throws Error where there is none after `patienceMs`; nsenter is ended then
 */
export function firstInside(nsenter: number, patienceMs = FIRST_INSIDE_MS): number | null {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const pid = readFirstChild(nsenter);
    if (pid !== null || readStatus(nsenter) === null) return pid;
    if (performance.now() >= deadline) {
      process.kill(nsenter, "SIGKILL");
      throw new Error("the machine is too busy");
    }
    Bun.sleepSync(0.1);
  }
}

/** nsenter stops itself when what it waits for stops, and would not notice the end of that. */
export function wake(nsenter: number): void {
  try {
    process.kill(nsenter, "SIGCONT");
  } catch {
    // It has ended.
  }
}
