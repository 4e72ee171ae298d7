// Starts what runs for the user, with the environment and the rights that all of it has, and has the process table know
// for whom it runs.
import type { Config } from "../config.ts";
import { baseEnvironment } from "./environment.ts";
import { launch, launchAtTerminal } from "./launch.ts";
import type { Launched, LaunchOptions, Running } from "./launch.ts";
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
  /** See LaunchOptions. */
  readonly further?: readonly number[];
}

/** `userPid`: as user code knows it. */
export type Started<T extends Running = Launched> = T & { readonly userPid: number | null };

export class Launcher {
  readonly #options: LauncherOptions;
  readonly #environment: Readonly<Record<string, string>>;

  constructor(options: LauncherOptions) {
    this.#options = options;
    this.#environment = baseEnvironment(options.config);
  }

  /** Only when processes run, see Freezer.start. @throws SupervisorError when the kernel refuses */
  start({ stdin, further = [], ...options }: StartOptions): Started {
    return this.#track(launch({ ...this.#program(options), stdin, further }), options.owner);
  }

  /** The same at a terminal, see launchAtTerminal. */
  startAtTerminal(options: Omit<StartOptions, "stdin" | "further">, slave: number): Started<Running> {
    return this.#track(launchAtTerminal(this.#program(options), slave), options.owner);
  }

  /** Where a process with this environment of its own finds a program; null: nowhere. */
  which(program: string, env: Readonly<Record<string, string>>): string | null {
    const PATH = env["PATH"] ?? this.#environment["PATH"] ?? "";
    return Bun.which(program, { PATH });
  }

  #program({
    argv,
    workingDir,
    env,
  }: Omit<StartOptions, "stdin" | "further">): Omit<LaunchOptions, "stdin" | "further"> {
    const { config, namespace } = this.#options;
    return { argv, workingDir, env: { ...this.#environment, ...env }, user: config.user, namespace };
  }

  #track<T extends Running>(running: T, owner: Owner): Started<T> {
    const { namespace, table } = this.#options;
    table.track(running.pid, owner, running.process.pid);
    return { ...running, userPid: namespace === null ? running.pid : readInnerPid(running.pid) };
  }
}
