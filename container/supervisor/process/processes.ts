// What runs for the user in this container, put together: executions, contexts, services, terminals, and what stops,
// watches and ends them.
import type { Config } from "../config.ts";
import { ContextFiles } from "../context/context-files.ts";
import { Contexts } from "../context/contexts.ts";
import type { DiskLedger } from "../files/disk.ts";
import type { SpareMemory } from "../spare-memory.ts";
import type { FileRoutes } from "../files/routes.ts";
import type { Gate } from "../gate.ts";
import { DataDirectory } from "./data-directory.ts";
import type { Execution, Followed, Kill } from "./execution.ts";
import { Executions } from "./executions.ts";
import { Freezer } from "./freezer.ts";
import { Languages } from "./languages.ts";
import { Launcher } from "./launcher.ts";
import { ProcessNotes } from "./process-notes.ts";
import { ProcessTable, serviceOf, terminalOf } from "./process-table.ts";
import type { Owner } from "./process-table.ts";
import { Records } from "./records.ts";
import { Services } from "./services.ts";
import { SourceFiles } from "./source-file.ts";
import { Terminals } from "../terminal/terminals.ts";
import { all, terminate } from "./termination.ts";
import { UserNamespace } from "./user-namespace.ts";
import { Watch } from "./watch.ts";

export interface Processes {
  readonly executions: Executions;
  readonly contexts: Contexts;
  readonly services: Services;
  readonly terminals: Terminals;
  readonly freezer: Freezer;
  /** Of every living user process, as the supervisor knows them. */
  readonly userPids: () => number[];
  /** The workspace was replaced by a larger one: nobody is to be killed for what it takes. */
  tolerateDisk(): Promise<void>;
}

export interface ProcessesOptions {
  readonly config: Config;
  readonly files: FileRoutes;
  readonly disk: DiskLedger;
  readonly gate: Gate;
  readonly memory: SpareMemory;
}

/** Ends what an earlier supervisor has left running. */
export async function openProcesses({ config, files, disk, gate, memory }: ProcessesOptions): Promise<Processes> {
  const { user, workspace, memoryBytes } = config;
  const namespace = user.kind === "namespace" ? await UserNamespace.open(config.sockets) : null;
  const directory = new DataDirectory(config);
  const records = new Records(directory);
  const sources = new SourceFiles(directory, user);
  const table = new ProcessTable(user, (id) => records.has(id));
  const live = new Map<string, Execution>();
  const onKill = (owner: Owner | null, kill: Kill): void => {
    const name = serviceOf(owner);
    if (name !== null) services.blame(name, reasonOf(kill));
    const terminalId = terminalOf(owner);
    if (terminalId !== null) terminals.blame(terminalId, reasonOf(kill));
    if (owner !== null) contexts.blame(owner, kill);
  };
  const notes = new ProcessNotes(directory);
  const watch = new Watch({ table, live, disk, notes, memoryBytes, isFrozen: () => freezer.isFrozen, onKill });
  const onStart = (): void => watch.start();
  const freezer = new Freezer({ table, gate, onRunning: onStart });
  const launcher = new Launcher({ config, namespace, table });
  const languages = new Languages(config, launcher);
  const services = new Services({
    startMs: config.patience.serviceStartMs,
    workspace,
    launcher,
    table,
    freezer,
    onStart,
  });
  const terminals = new Terminals({ workspace, user, launcher, table, freezer, onStart });
  const runs = new Map<string, Followed>();
  const executions = new Executions({
    workspace,
    files,
    records,
    sources,
    languages,
    launcher,
    table,
    freezer,
    memory,
    live,
    runs,
    onStart,
    onSignal: (hostPids, signal) => contexts.noteSignal(hostPids, signal),
    onVacate: () => contexts.vacate(),
  });
  const contexts = new Contexts({
    config,
    contextFiles: new ContextFiles(config, directory),
    files,
    records,
    languages,
    launcher,
    table,
    freezer,
    runs,
    onStart,
    onEnd: () => executions.tidyLater(),
  });
  await terminate(table, all(), 0);
  const userPids = (): number[] => table.scan().map(({ hostPid }) => hostPid);
  return { executions, contexts, services, terminals, freezer, userPids, tolerateDisk: () => watch.tolerateDisk() };
}

function reasonOf({ reason, problem }: Kill): string {
  const mebibytes = Math.round((problem?.limitBytes ?? 0) / 1024 / 1024);
  if (reason === "memory_limit_exceeded") return `the session's processes used more than ${mebibytes} MiB of memory`;
  if (reason === "disk_full") return `the session's files take more than ${mebibytes} MiB`;
  return reason;
}
