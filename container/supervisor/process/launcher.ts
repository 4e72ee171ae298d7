// Starts what runs for the user, with the environment and the rights that all of it has, and has the process table know
// for whom it runs.
import type { Config } from "../config.ts";
import { baseEnvironment } from "./environment.ts";
import { launch } from "./launch.ts";
import type { Launched } from "./launch.ts";
import { readInnerPid } from "./proc-filesystem.ts";
import type { Owner, ProcessTable } from "./process-table.ts";
import type { UserNamespace } from "./user-namespace.ts";

export interface LauncherOptions {
  readonly config: Config;
  /** Where the user's processes live; null where their uid keeps them apart. */
  readonly namespace: UserNamespace | null;
  readonly table: ProcessTable;
}

export interface StartOptions {
  readonly owner: Owner;
  readonly argv: readonly string[];
  readonly workingDir: string;
  /** Over what all processes have; the owner's mark among it. */
  readonly env: Readonly<Record<string, string>>;
  readonly stdin?: string | undefined;
}

export interface Started extends Launched {
  /** As user code knows it. */
  readonly userPid: number | null;
}

export class Launcher {
  readonly #options: LauncherOptions;
  readonly #environment: Readonly<Record<string, string>>;

  constructor(options: LauncherOptions) {
    this.#options = options;
    this.#environment = baseEnvironment(options.config);
  }

  /** Only when processes run, see Freezer.start. @throws SupervisorError when the kernel refuses */
  start({ owner, argv, workingDir, env, stdin }: StartOptions): Started {
    const { config, namespace, table } = this.#options;
    const launched = launch({
      argv,
      workingDir,
      env: { ...this.#environment, ...env },
      stdin,
      user: config.user,
      namespace,
    });
    table.track(launched.pid, owner, launched.process.pid);
    return { ...launched, userPid: namespace === null ? launched.pid : readInnerPid(launched.pid) };
  }
}
