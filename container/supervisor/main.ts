// The program that runs in every container: starts user code, keeps its files, reports what became of it.
// User code runs beside it and must learn neither its token nor what is in its memory.
import { rmSync } from "node:fs";
import { WATCH_MS } from "../../src/contract/supervisor.ts";
import { parseConfig } from "./config.ts";
import type { Config } from "./config.ts";
import { DiskLedger } from "./files/disk.ts";
import { createFileRoutes } from "./files/routes.ts";
import { Gate } from "./gate.ts";
import { ENDING, LastSave } from "./last-save.ts";
import { forbidNewPrivileges, limitProcesses, PROCESSES } from "./process/libc.ts";
import { createAsUser } from "./linux/credentials.ts";
import { inspectAs } from "./process/proc-filesystem.ts";
import { openProcesses } from "./process/processes.ts";
import { serve } from "./server.ts";
import { SpareMemory } from "./spare-memory.ts";
import { createSnapshotRoutes } from "./snapshot/routes.ts";
import { SnapshotIndex } from "./snapshot/index.ts";
import { findPlaces } from "./snapshot/restore-place.ts";
import { createRestoreRoutes } from "./snapshot/restore-routes.ts";

const LAST_ANSWERS_MS = 300;
/** Longer than it takes to end what can be ended. */
const LAST_BREATH_MS = 5000;
/** For the records of executions that were ended, after everything else was saved. */
const LAST_RECORDS_MS = 5000;

/** How long a snapshot waits for the variables of contexts. */
const CONTEXTS_SAVE_MS = 10_000;
/** The same, of the time in which the workspace has to be saved. */
const LAST_VALUES_MS = 5000;

const config = parseConfig(process.env);
delete process.env["BUNTIME_TOKEN"];

forbidNewPrivileges();
inspectAs(createAsUser(config.user));
if (config.user.kind === "uid") limitProcesses(PROCESSES);
if (config.bringLoopbackUp) (await import("./linux/loopback.ts")).bringLoopbackUp();
// Before anything of the workspace is used.
const leftovers = findPlaces(config.workspace);
const disk = new DiskLedger(config.workspace, config.diskBytes);
const gate = new Gate();
const memory = new SpareMemory(config.patience.spareMemoryMs);
const files = createFileRoutes(config, disk, gate);
const processes = await openProcesses({ config, files, disk, gate, memory });
const lastSave = new LastSave(WATCH_MS);
const index = new SnapshotIndex();
const restores = createRestoreRoutes({ config, processes, changes: files.changes, disk, index, memory }, leftovers);
const { freezer, userPids, contexts } = processes;
const beforeSave = (): Promise<void> => contexts.save(CONTEXTS_SAVE_MS);
const snapshots = createSnapshotRoutes({ workspace: config.workspace, freezer, userPids, index, memory, beforeSave });
if (config.sockets !== null) await openSockets(config.sockets, config);
const server = serve(config, { bootId: crypto.randomUUID(), processes, files, lastSave, snapshots, restores });

let ending = false;
process.on("SIGTERM", () => void shutDown());
process.on("SIGINT", () => void shutDown());

async function shutDown(): Promise<void> {
  if (ending) return;
  ending = true;
  const { executions, contexts, services, terminals } = processes;
  terminals.blameAll("its container was told to end");
  const saved = (await lastSave.isWatched()) && (await saveFirst());
  const hasNews = saved && executions.isRunning;
  const endAll = (): Promise<unknown> =>
    Promise.race([
      Promise.all([services.shutDown(), contexts.shutDown(), executions.shutDown()]),
      Bun.sleep(LAST_BREATH_MS),
    ]);
  if (hasNews) {
    await endAll();
    if (await lastSave.isWatched()) await lastSave.ask(LAST_RECORDS_MS);
  }
  const stopped = server.stop();
  if (!hasNews) await endAll();
  // Calls that were waiting get their answers; a client that does not read its own is not waited for.
  await Promise.race([stopped, Bun.sleep(LAST_ANSWERS_MS)]);
  process.exit(0);
}

/** Everything as it is at this moment, before programs that are ended make a mess. */
async function saveFirst(): Promise<boolean> {
  gate.seal(ENDING);
  await processes.contexts.save(LAST_VALUES_MS);
  await processes.freezer.freeze();
  return await lastSave.ask(config.patience.lastSaveMs);
}

async function openSockets(directory: NonNullable<Config["sockets"]>, { internet }: Config): Promise<void> {
  const [{ listenPorts }, { listenEgress }] = await Promise.all([import("./net/ports.ts"), import("./net/egress.ts")]);
  // Left by a supervisor that was killed.
  for (const name of ["control.sock", "ports.sock"]) rmSync(`${directory}/${name}`, { force: true });
  listenPorts(`${directory}/ports.sock`);
  if (internet) listenEgress(`${directory}/egress.sock`);
}
