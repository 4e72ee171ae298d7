// What workerd leaves in Docker, found by name: `workerd-<run>-<worker>-<class>-<object>` is a session's container, and
// the same with `-proxy` its network sidecar.
import { execFile } from "node:child_process";
import { setInterval, setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { LAST_SAVE_MS } from "../../src/contract/limits.ts";

const REMOVE_MS = 20_000;
const SWEEP_MS = 5000;
/** Longer than a container waits for its files to be saved. */
const DRAIN_MS = LAST_SAVE_MS + 8000;
const SIDECAR = /-proxy$/;

const run = promisify(execFile);

/**
 * Removes what a Worker that was killed left, then its lone sidecars for as long as it runs. To be stopped after the
 * Worker's end, when all that is left goes.
 * @throws Error naming those that Docker does not remove
 */
export async function sweepContainers(worker: string): Promise<{ drain(): Promise<void>; stop(): Promise<void> }> {
  await removeContainers(worker);
  const stopping = new AbortController();
  const sweeping = sweep(worker, stopping.signal);
  return {
    drain: () => endContainers(worker),
    async stop() {
      stopping.abort();
      await sweeping;
      await removeContainers(worker);
    },
  };
}

async function removeContainers(worker: string): Promise<void> {
  const deadline = Date.now() + REMOVE_MS;
  for (;;) {
    const names = await list(worker);
    if (names.length === 0) return;
    if (Date.now() > deadline) throw new Error(`Docker does not remove ${names.join(" ")}`);
    // Some may be on their way out already, by Miniflare's hand; it is enough that they are gone in the end.
    await remove(names).catch(() => delay(100));
  }
}

/** Tells them to end, and waits until they have: meanwhile the Worker saves their files. */
async function endContainers(worker: string): Promise<void> {
  const deadline = Date.now() + DRAIN_MS;
  for (let told: readonly string[] = []; Date.now() < deadline; await delay(100)) {
    const names = (await list(worker, { running: true })).filter((name) => !SIDECAR.test(name));
    if (names.length === 0) return;
    const untold = names.filter((name) => !told.includes(name));
    // One that has ended by itself is as well.
    if (untold.length > 0) await run("docker", ["kill", "--signal", "TERM", ...untold]).catch(() => undefined);
    told = names;
  }
}

/** Ends when the signal is aborted. */
async function sweep(worker: string, signal: AbortSignal): Promise<void> {
  let lone: ReadonlySet<string> = new Set();
  try {
    for await (const _ of setInterval(SWEEP_MS, null, { signal })) {
      lone = await removeLoneSidecars(worker, lone).catch(() => lone);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/**
 * Removes the sidecars of destroyed containers, which workerd keeps until the inactivity time-out: hours. Gives back those
 * without a container; only what was so in the last call, too, is removed, since a sidecar is started first.
 */
async function removeLoneSidecars(worker: string, before: ReadonlySet<string>): Promise<Set<string>> {
  const names = new Set(await list(worker));
  const lone = [...names].filter((name) => SIDECAR.test(name) && !names.has(name.replace(SIDECAR, "")));
  const removable = lone.filter((name) => before.has(name));
  if (removable.length > 0) await remove(removable);
  return new Set(lone);
}

async function list(worker: string, options: { readonly running?: boolean } = {}): Promise<string[]> {
  const all = options.running === true ? [] : ["--all"];
  const { stdout } = await run("docker", ["ps", ...all, "--filter", `name=-${worker}-`, "--format", "{{.Names}}"]);
  return stdout.split("\n").filter((name) => name !== "");
}

async function remove(names: readonly string[]): Promise<void> {
  await run("docker", ["rm", "--force", "--volumes", ...names]);
}
