// Brings `lo` up in a new network namespace, as `ip link set lo up` would: no such tool has to be there.
import { dlopen, ptr } from "bun:ffi";

const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
/** linux/sockios.h, linux/if.h */
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 1;
/** struct ifreq: 16 bytes of name, then the flags as a short. */
const IFREQ_BYTES = 40;
const FLAGS_AT = 16;

/** Needs CAP_NET_ADMIN in the namespace. @throws Error */
export function bringLoopbackUp(): void {
  const libc = dlopen("libc.so.6", {
    socket: { args: ["int", "int", "int"], returns: "int" },
    ioctl: { args: ["int", "u64", "ptr"], returns: "int" },
    close: { args: ["int"], returns: "int" },
  });
  const { symbols } = libc;
  const socket = symbols.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  try {
    const request = Buffer.alloc(IFREQ_BYTES);
    request.write("lo", "latin1");
    if (symbols.ioctl(socket, SIOCGIFFLAGS, ptr(request)) !== 0)
      throw new Error("the loopback interface cannot be read");
    request.writeUInt16LE(request.readUInt16LE(FLAGS_AT) | IFF_UP, FLAGS_AT);
    if (symbols.ioctl(socket, SIOCSIFFLAGS, ptr(request)) !== 0)
      throw new Error("the loopback interface cannot be brought up");
  } finally {
    symbols.close(socket);
    libc.close();
  }
}
