// Pseudo-terminals, by system calls: Bun's own have no way to hold back a program that prints faster than anybody reads.
import { dlopen, ptr } from "bun:ffi";
import { closeSync, fchownSync } from "node:fs";
import type { UserIdentity } from "../config.ts";
import { SupervisorError } from "../problem.ts";

export interface TerminalSize {
  readonly cols: number;
  readonly rows: number;
}

export interface Pty {
  /** Our side, not blocking. */
  readonly master: number;
  /** The program's. While we hold it open, the end of one that has it is no hang-up. */
  readonly slave: number;
}

const O_RDWR = 2;
const O_NOCTTY = 0o400;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const TIOCSWINSZ = 0x5414n;
/** Opens the slave, wherever devpts is mounted. */
const TIOCGPTPEER = 0x5441n;

// Not before it is needed: the supervisor starts with every container.
let loaded: ReturnType<typeof load> | null = null;

function load() {
  const { symbols } = dlopen("libc.so.6", {
    posix_openpt: { args: ["i32"], returns: "i32" },
    unlockpt: { args: ["i32"], returns: "i32" },
    ioctl: { args: ["i32", "u64", "u64"], returns: "i32" },
  });
  return symbols;
}

/** The caller closes both. @throws SupervisorError where the system has none left */
export function openPty(size: TerminalSize, user: UserIdentity): Pty {
  const libc = (loaded ??= load());
  const master = libc.posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (master < 0) throw new SupervisorError("internal_error", "The container has no terminal to give");
  try {
    if (libc.unlockpt(master) !== 0) throw new SupervisorError("internal_error", "The terminal cannot be unlocked");
    const slave = libc.ioctl(master, TIOCGPTPEER, BigInt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (slave < 0) throw new SupervisorError("internal_error", "The terminal cannot be opened");
    // So that user code may open /dev/tty and /dev/stdin by their names.
    if (user.kind === "uid") fchownSync(slave, user.uid, user.gid);
    resizePty(master, size);
    return { master, slave };
  } catch (error) {
    closeSync(master);
    throw error;
  }
}

/** The program in front hears of it by SIGWINCH. */
export function resizePty(master: number, { cols, rows }: TerminalSize): void {
  const libc = (loaded ??= load());
  const windowSize = new Uint16Array([rows, cols, 0, 0]);
  libc.ioctl(master, TIOCSWINSZ, BigInt(ptr(windowSize)));
}
