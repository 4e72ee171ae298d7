// The two ways in which an engine runs: as the host's root and as an ordinary user. Tests that are about isolation run in
// both, where the machine has both.
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EngineOptions, type TestEngine, startEngine } from "../../support/engine.ts";

const ORDINARY = 54_321;
const isRoot = process.geteuid?.() === 0;
const drop = isRoot ? ["setpriv", `--reuid=${ORDINARY}`, `--regid=${ORDINARY}`, "--clear-groups", "--"] : [];
const readable = () => Bun.spawnSync([...drop, "cat", join(import.meta.dir, "hosts.ts")]).success;

export interface HostKind {
  readonly name: string;
  /** Why not here; null: it can be. */
  readonly missing: string | null;
  readonly kind: "range" | "single";
}

export const HOSTS: readonly HostKind[] = [
  { name: "as root", kind: "range", missing: isRoot ? null : "the tests do not run as root" },
  {
    name: "as an ordinary user",
    kind: "single",
    missing: readable() ? null : "an ordinary user cannot read this checkout",
  },
];

/** Its data directory is removed at stop(). */
export async function startEngineOn(host: HostKind, options: EngineOptions = {}): Promise<TestEngine> {
  const dataDir = mkdtempSync(join(tmpdir(), "buntime-engine-"));
  if (host.kind === "single" && isRoot) chownSync(dataDir, ORDINARY, ORDINARY);
  const engine = await startEngine({ dataDir, ...options, prefix: host.kind === "single" ? drop : [] });
  return {
    ...engine,
    async stop() {
      await engine.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
