// Whose ids a container runs under. With `range` (the engine is the host's root) every container gets 65,536 ids of its
// own that nobody on the host has; with `single` (an ordinary user) all of it is that one user.
import { chownSync, existsSync, readFileSync, readdirSync, statSync } from "node:fs";

export type IdentityKind = "range" | "single";
export type Identity = { readonly kind: "single" } | { readonly kind: "range"; readonly base: number };

/** Above the ranges that /etc/subuid and systemd hand out. */
const FIRST = 0x7000_0000;
const SIZE = 65_536;
const RANGES = 20_000;
/** The container's user `bun`, whose the workspace is, and its group `tty`. */
const USER = 1000;
const TTY = 5;

export function identityKind(): IdentityKind {
  return process.geteuid?.() === 0 && ownsAllIds(readFileSync("/proc/self/uid_map", "utf8")) ? "range" : "single";
}

/** Root of a user namespace of someone else's making may map a few ids only. */
function ownsAllIds(uidMap: string): boolean {
  return uidMap.split("\n").some((row) => {
    const [inside, , count] = row.trim().split(/\s+/).map(Number);
    return inside === 0 && count !== undefined && count >= FIRST + RANGES * SIZE;
  });
}

/** The ids of a workspace's container: those it was given before, or new ones that no other workspace here has. */
export async function claimIdentity(
  kind: IdentityKind,
  workspace: string,
  allWorkspaces: readonly string[],
): Promise<Identity> {
  if (kind === "single") return { kind };
  const earlier = baseOf(workspace);
  if (earlier !== null) return { kind, base: earlier };

  const taken = new Set(allWorkspaces.map(baseOf));
  let base: number;
  do base = FIRST + Math.floor(Math.random() * RANGES) * SIZE;
  while (taken.has(base));
  const owner = base + USER;
  if (readdirSync(workspace).length > 0) {
    await Bun.$`chown --recursive --no-dereference ${owner}:${owner} ${workspace}`.quiet();
  }
  chownSync(workspace, owner, owner);
  return { kind, base };
}

function baseOf(workspace: string): number | null {
  if (!existsSync(workspace)) return null;
  const base = statSync(workspace).uid - USER;
  return base >= FIRST && (base - FIRST) % SIZE === 0 ? base : null;
}

export function rootUid(identity: Identity): number | null {
  return identity.kind === "range" ? identity.base : null;
}

export function ttyGid(identity: Identity): number | null {
  return identity.kind === "range" ? identity.base + TTY : null;
}

/** For /proc/<pid>/uid_map and gid_map; null where unshare has written them. */
export function idMap(identity: Identity): string | null {
  return identity.kind === "range" ? `0 ${identity.base} ${SIZE}\n` : null;
}
