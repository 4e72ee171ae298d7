// Which TCP sockets listen in this network namespace, asked of the kernel's socket diagnostics: that walks the listening
// sockets alone, in microseconds. /proc/net/tcp walks the whole machine's table of connections, 5 ms and more each time;
// it is read only where the kernel has no diagnostics. Must never wait: this is the supervisor's own thread.
import { dlopen, ptr } from "bun:ffi";
import { readFileSync } from "node:fs";

const AF_NETLINK = 16;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_SOCK_DIAG = 4;
const MSG_DONTWAIT = 0x40;
/** linux/netlink.h, linux/sock_diag.h, net/tcp_states.h */
const SOCK_DIAG_BY_FAMILY = 20;
const NLM_F_REQUEST_DUMP = 0x1 | 0x300;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const TCP_LISTEN = 10;
const IPPROTO_TCP = 6;
const AF_INET = 2;
const AF_INET6 = 10;
/** struct nlmsghdr, then struct inet_diag_req_v2 or struct inet_diag_msg. */
const HEADER_BYTES = 16;
const REQUEST_BYTES = HEADER_BYTES + 56;
const PORT_AT = HEADER_BYTES + 4;
const INODE_AT = HEADER_BYTES + 68;
const ANSWER_BYTES = 32 * 1024;

/** Port by socket inode. */
export type ListeningSockets = ReadonlyMap<number, number>;

let diagnostics: Diagnostics | null = null;

export function readListeningSockets(): ListeningSockets {
  diagnostics ??= new Diagnostics();
  return diagnostics.read() ?? readFromProc();
}

class Diagnostics {
  readonly #libc = dlopen("libc.so.6", {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    send: { args: ["i32", "ptr", "u64", "i32"], returns: "i32" },
    recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i32" },
  }).symbols;
  readonly #socket = this.#libc.socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  readonly #requests = [AF_INET, AF_INET6].map(requestFor);
  readonly #answer = Buffer.alloc(ANSWER_BYTES);

  /** Null when the kernel does not answer this. */
  read(): ListeningSockets | null {
    const ports = new Map<number, number>();
    return this.#requests.every((request) => this.#ask(request, ports)) ? ports : null;
  }

  /** The kernel has the first part of its answer ready when send() returns, and each next one when one is taken. */
  #ask(request: Buffer, ports: Map<number, number>): boolean {
    if (this.#socket < 0 || this.#libc.send(this.#socket, ptr(request), REQUEST_BYTES, MSG_DONTWAIT) < 0) return false;
    for (;;) {
      const length = this.#libc.recv(this.#socket, ptr(this.#answer), ANSWER_BYTES, MSG_DONTWAIT);
      if (length <= 0) return false;
      for (let at = 0; at + HEADER_BYTES <= length;) {
        const bytes = this.#answer.readUInt32LE(at);
        const type = this.#answer.readUInt16LE(at + 4);
        if (type === NLMSG_DONE) return true;
        if (type === NLMSG_ERROR || bytes < HEADER_BYTES) return false;
        ports.set(this.#answer.readUInt32LE(at + INODE_AT), this.#answer.readUInt16BE(at + PORT_AT));
        at += (bytes + 3) & ~3;
      }
    }
  }
}

function requestFor(family: number): Buffer {
  const request = Buffer.alloc(REQUEST_BYTES);
  request.writeUInt32LE(REQUEST_BYTES, 0);
  request.writeUInt16LE(SOCK_DIAG_BY_FAMILY, 4);
  request.writeUInt16LE(NLM_F_REQUEST_DUMP, 6);
  request.writeUInt8(family, HEADER_BYTES);
  request.writeUInt8(IPPROTO_TCP, HEADER_BYTES + 1);
  request.writeUInt32LE(1 << TCP_LISTEN, HEADER_BYTES + 4);
  return request;
}

/** The same from /proc. */
export function readFromProc(): ListeningSockets {
  const ports = new Map<number, number>();
  for (const path of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of readLines(path).slice(1)) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state !== "0A" || local === undefined || inode === undefined) continue;
      ports.set(Number(inode), Number.parseInt(local.slice(local.lastIndexOf(":") + 1), 16));
    }
  }
  return ports;
}

/** None where the kernel was built without IPv6. */
function readLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    return [];
  }
}
