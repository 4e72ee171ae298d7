// The program that runs in every container: starts user code, keeps its files, reports what became of it.
// User code runs beside it and must learn neither its token nor what is in its memory.
import { rmSync } from "node:fs";
import { parseConfig } from "./config.ts";
import type { Config } from "./config.ts";
import { DiskLedger } from "./files/disk.ts";
import { createFileRoutes } from "./files/routes.ts";
import { Executions } from "./process/executions.ts";
import { forbidNewPrivileges, limitProcesses, PROCESSES } from "./process/libc.ts";
import { createAsUser } from "./linux/credentials.ts";
import { inspectAs } from "./process/proc-filesystem.ts";
import { serve } from "./server.ts";

const LAST_ANSWERS_MS = 300;

const config = parseConfig(process.env);
delete process.env["BUNTIME_TOKEN"];

forbidNewPrivileges();
inspectAs(createAsUser(config.user));
if (config.user.kind === "uid") limitProcesses(PROCESSES);
if (config.bringLoopbackUp) (await import("./linux/loopback.ts")).bringLoopbackUp();
const disk = new DiskLedger(config.workspace, config.diskBytes);
const files = createFileRoutes(config, disk);
const executions = await Executions.open(config, files, disk);
if (config.sockets !== null) await openSockets(config.sockets);
const server = serve(config, { bootId: crypto.randomUUID(), executions, files });

process.on("SIGTERM", () => void shutDown());
process.on("SIGINT", () => void shutDown());

async function shutDown(): Promise<void> {
  const stopped = server.stop();
  await executions.shutDown();
  // Calls that were waiting get their answers; a client that does not read its own is not waited for.
  await Promise.race([stopped, Bun.sleep(LAST_ANSWERS_MS)]);
  process.exit(0);
}

async function openSockets(directory: NonNullable<Config["sockets"]>): Promise<void> {
  const [{ listenPorts }, { listenEgress }] = await Promise.all([import("./net/ports.ts"), import("./net/egress.ts")]);
  // Left by a supervisor that was killed.
  for (const name of ["control.sock", "ports.sock"]) rmSync(`${directory}/${name}`, { force: true });
  listenPorts(`${directory}/ports.sock`);
  listenEgress(`${directory}/egress.sock`);
}
