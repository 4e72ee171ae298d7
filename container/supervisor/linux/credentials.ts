// File system calls under the user's uid on the supervisor's own thread. Linux keeps `fsuid` per thread, and dropping it
// from 0 also drops root's file capabilities, so whatever a hostile path leads to, the kernel asks: may the user?
// Must not span an await: other work on this thread would run as the user, or the user's as root.
import { dlopen } from "bun:ffi";
import type { UserIdentity } from "../config.ts";

/** Runs a synchronous action with the user's rights over files. What it creates belongs to the user. */
export type AsUser = <T>(action: () => T) => T;

export function createAsUser(user: UserIdentity): AsUser {
  if (user.kind !== "uid") return (action) => action();
  const { uid, gid } = user;
  const ownUid = process.geteuid?.() ?? 0;
  const ownGid = process.getegid?.() ?? 0;
  const load = (): { setfsuid(id: number): number; setfsgid(id: number): number } =>
    dlopen("libc.so.6", {
      setfsuid: { args: ["u32"], returns: "i32" },
      setfsgid: { args: ["u32"], returns: "i32" },
    }).symbols;
  // Not before it is needed: the supervisor starts with every container.
  let loaded: ReturnType<typeof load> | null = null;
  let dropped = false;
  return (action) => {
    // The inner end of a nested call must not give the rights back early.
    if (dropped) return action();
    const libc = (loaded ??= load());
    dropped = true;
    libc.setfsgid(gid);
    libc.setfsuid(uid);
    try {
      return action();
    } finally {
      libc.setfsuid(ownUid);
      libc.setfsgid(ownGid);
      dropped = false;
    }
  };
}

/** The same for a child process: what to spread into the options of `Bun.spawn`. */
export function spawnIdentity(user: UserIdentity): { uid?: number; gid?: number } {
  return user.kind === "uid" ? { uid: user.uid, gid: user.gid } : {};
}
