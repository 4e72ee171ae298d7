// Keeps the processes of a session within its memory. The kernel's own limit, where there is one, would take the
// container down with them.
import { readProportionalBytes } from "./proc-filesystem.ts";
import type { Owner, UserProcess } from "./process-table.ts";

/** Whose processes use most, when all together are over the limit. `owner` null: strays of none. */
export function findMemoryOffender(
  processes: readonly UserProcess[],
  limitBytes: number,
): { readonly owner: Owner | null } | null {
  const atMost = processes.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  if (atMost <= limitBytes) return null;
  // Pages that a fork shares with its parent were counted twice. The exact figure is slow, so only now.
  const use = new Map<Owner | null, number>();
  let total = 0;
  for (const { hostPid, owner, memoryBytes } of processes) {
    const bytes = readProportionalBytes(hostPid) ?? memoryBytes; // A program can close its own file of it.
    total += bytes;
    use.set(owner, (use.get(owner) ?? 0) + bytes);
  }
  if (total <= limitBytes) return null;
  const [biggest] = [...use].toSorted(([, a], [, b]) => b - a);
  return biggest === undefined ? null : { owner: biggest[0] };
}
