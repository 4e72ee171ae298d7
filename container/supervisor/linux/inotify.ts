// The kernel's queue of file events, read without waiting. Node's fs.watch cannot be drained synchronously, so it could
// not tell what a process wrote at the moment it ended.
import { dlopen, ptr } from "bun:ffi";
import { closeSync } from "node:fs";

const IN_CLOEXEC = 0o2000000;
const IN_NONBLOCK = 0o4000;
const IN_CLOSE_WRITE = 0x8;
const IN_MOVED_FROM = 0x40;
const IN_MOVED_TO = 0x80;
const IN_CREATE = 0x100;
const IN_Q_OVERFLOW = 0x4000;
const IN_IGNORED = 0x8000;
const IN_ONLYDIR = 0x1000000;
const IN_EXCL_UNLINK = 0x4000000;
const IN_ISDIR = 0x40000000;

const HEADER_BYTES = 16;
const BUFFER_BYTES = 64 * 1024;

export interface FileEvent {
  /** The watch it came from. */
  readonly watch: number;
  readonly name: string;
  readonly isDirectory: boolean;
  /** `appeared`: made here or moved here. `written`: closed after it was open for writing. `left`: moved away. `unwatched`: no more events. */
  readonly kind: "appeared" | "written" | "left" | "unwatched";
}

export class Inotify implements Disposable {
  readonly #libc;
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(BUFFER_BYTES);

  /** @throws Error when the system gives no more queues. */
  constructor() {
    this.#libc = dlopen("libc.so.6", {
      inotify_init1: { args: ["i32"], returns: "i32" },
      inotify_add_watch: { args: ["i32", "ptr", "u32"], returns: "i32" },
      inotify_rm_watch: { args: ["i32", "i32"], returns: "i32" },
      read: { args: ["i32", "ptr", "u64"], returns: "i32" },
    }).symbols;
    this.#fd = this.#libc.inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (this.#fd < 0) throw new Error("inotify_init1 failed: fs.inotify.max_user_instances may be used up");
  }

  /** Watches a directory, null when that fails. The same directory gives the same number again. */
  watch(path: string): number | null {
    const mask = IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_ONLYDIR | IN_EXCL_UNLINK;
    const watch = this.#libc.inotify_add_watch(this.#fd, ptr(Buffer.from(`${path}\0`)), mask);
    return watch < 0 ? null : watch;
  }

  unwatch(watch: number): void {
    this.#libc.inotify_rm_watch(this.#fd, watch);
  }

  /** Hands over all that is queued, oldest first. False when the kernel had to drop events. */
  drain(receive: (event: FileEvent) => void): boolean {
    let complete = true;
    for (let length = this.#read(); length > 0; length = this.#read()) {
      for (let at = 0; at < length;) {
        const mask = this.#buffer.readUInt32LE(at + 4);
        const next = at + HEADER_BYTES + this.#buffer.readUInt32LE(at + 12);
        const kind = kindOf(mask);
        if ((mask & IN_Q_OVERFLOW) !== 0) complete = false;
        else if (kind !== null) {
          const end = this.#buffer.indexOf(0, at + HEADER_BYTES);
          receive({
            watch: this.#buffer.readInt32LE(at),
            name: this.#buffer.toString("utf8", at + HEADER_BYTES, Math.min(end, next)),
            isDirectory: (mask & IN_ISDIR) !== 0,
            kind,
          });
        }
        at = next;
      }
    }
    return complete;
  }

  /** Nothing queued is an error to the kernel, a 0 here. */
  #read(): number {
    return Math.max(0, this.#libc.read(this.#fd, this.#buffer, BUFFER_BYTES));
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

function kindOf(mask: number): FileEvent["kind"] | null {
  if ((mask & (IN_CREATE | IN_MOVED_TO)) !== 0) return "appeared";
  if ((mask & IN_CLOSE_WRITE) !== 0) return "written";
  if ((mask & IN_MOVED_FROM) !== 0) return "left";
  return (mask & IN_IGNORED) === 0 ? null : "unwatched";
}
