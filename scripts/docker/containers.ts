// What workerd leaves in Docker, found by name: `workerd-<run>-<worker>-<class>-<object>` is a session's container, and
// the same with `-proxy` its network sidecar.
import { execFile } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

const REMOVE_MS = 20_000;
const SIDECAR = /-proxy$/;

const run = promisify(execFile);

/**
 * Removes every container of a Worker that runs no more.
 * @throws Error naming those that Docker does not remove
 */
export async function removeContainers(worker: string): Promise<void> {
  const deadline = Date.now() + REMOVE_MS;
  for (;;) {
    const names = await list(worker);
    if (names.length === 0) return;
    if (Date.now() > deadline) throw new Error(`Docker does not remove ${names.join(" ")}`);
    // Some may be on their way out already, by wrangler's hand; it is enough that they are gone in the end.
    await remove(names).catch(() => delay(100));
  }
}

/**
 * Removes the sidecars of destroyed containers, which workerd keeps until the inactivity time-out: hours. Gives back those
 * without a container; only what was so in the last call, too, is removed, since a sidecar is started first.
 */
export async function removeLoneSidecars(worker: string, before: ReadonlySet<string>): Promise<Set<string>> {
  const names = new Set(await list(worker));
  const lone = [...names].filter((name) => SIDECAR.test(name) && !names.has(name.replace(SIDECAR, "")));
  const removable = lone.filter((name) => before.has(name));
  if (removable.length > 0) await remove(removable);
  return new Set(lone);
}

async function list(worker: string): Promise<string[]> {
  const { stdout } = await run("docker", ["ps", "--all", "--filter", `name=-${worker}-`, "--format", "{{.Names}}"]);
  return stdout.split("\n").filter((name) => name !== "");
}

async function remove(names: readonly string[]): Promise<void> {
  await run("docker", ["rm", "--force", "--volumes", ...names]);
}
