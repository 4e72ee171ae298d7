// The way out of a network namespace, closed and opened, for the sidecar's stand-in. It is a rule of the kernel's routing
// about whose packets they are: none of root's, so that the sidecar goes on answering, and everybody else's. Loopback and
// the namespace's own addresses come before it. Asked of the kernel as `ip rule` would, which need not be there.
import { dlopen, ptr } from "bun:ffi";
import { readFileSync } from "node:fs";

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const FAMILIES = { AF_INET: 2, AF_INET6: 10 };
/** linux/rtnetlink.h, linux/netlink.h, linux/fib_rules.h */
const RTM_NEWRULE = 32;
const RTM_DELRULE = 33;
const NLM_F_REQUEST_ACK = 1 | 4;
const NLM_F_CREATE_EXCL = 0x400 | 0x200;
const FR_ACT_PROHIBIT = 8;
const FRA_PRIORITY = 6;
const FRA_UID_RANGE = 20;
/** After that of the local addresses, before all others. */
const PRIORITY = 1;
const USERS = { first: 1, last: 0xffff_fffe };
/** In /proc/net/route. */
const ANYWHERE = "00000000";
const HEADER_BYTES = 16;
const ACK_BYTES = 1024;
/** It is as it was asked to be already; and there is no such family, so nothing has to be closed. */
const AS_ASKED = { EEXIST: -17, ENOENT: -2, EAFNOSUPPORT: -97, EOPNOTSUPP: -95 };

/** Whether an address is that of Docker's bridge, from where workerd asks. Neither the session's code nor another's has it. */
export function isGateway(address: string): boolean {
  const routes = readFileSync("/proc/net/route", "utf8").split("\n");
  const gateway = routes.map((line) => line.split("\t")).find(([, destination]) => destination === ANYWHERE)?.[2] ?? "";
  return address === [...Buffer.from(gateway, "hex")].toReversed().join(".");
}

/** May be asked for again. Needs CAP_NET_ADMIN. @throws Error */
export function setWayOut(way: "open" | "closed"): void {
  for (const family of Object.values(FAMILIES)) {
    const error = ask(ruleMessage(way === "closed" ? RTM_NEWRULE : RTM_DELRULE, family));
    if (error !== 0 && !Object.values(AS_ASKED).includes(error)) throw new Error(`no rule could be made: ${error}`);
  }
}

/** struct nlmsghdr, struct fib_rule_hdr, and two attributes, in the order of bytes of every machine that Bun is for. */
function ruleMessage(type: number, family: number): Buffer {
  const message = Buffer.alloc(48);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(type, 4);
  message.writeUInt16LE(NLM_F_REQUEST_ACK | (type === RTM_NEWRULE ? NLM_F_CREATE_EXCL : 0), 6);
  message.writeUInt8(family, HEADER_BYTES);
  message.writeUInt8(FR_ACT_PROHIBIT, HEADER_BYTES + 7);
  message.writeUInt16LE(8, 28);
  message.writeUInt16LE(FRA_PRIORITY, 30);
  message.writeUInt32LE(PRIORITY, 32);
  message.writeUInt16LE(12, 36);
  message.writeUInt16LE(FRA_UID_RANGE, 38);
  message.writeUInt32LE(USERS.first, 40);
  message.writeUInt32LE(USERS.last, 44);
  return message;
}

/** The kernel's answer: 0, or an errno below it. */
function ask(message: Buffer): number {
  const libc = dlopen("libc.so.6", {
    socket: { args: ["int", "int", "int"], returns: "int" },
    send: { args: ["int", "ptr", "u64", "int"], returns: "i64" },
    recv: { args: ["int", "ptr", "u64", "int"], returns: "i64" },
    close: { args: ["int"], returns: "int" },
  });
  const { symbols } = libc;
  const socket = symbols.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, 0);
  try {
    const answer = Buffer.alloc(ACK_BYTES);
    if (Number(symbols.send(socket, ptr(message), message.length, 0)) !== message.length)
      throw new Error("the kernel takes no rules");
    if (Number(symbols.recv(socket, ptr(answer), answer.length, 0)) < HEADER_BYTES + 4)
      throw new Error("the kernel does not tell what became of a rule");
    return answer.readInt32LE(HEADER_BYTES);
  } finally {
    symbols.close(socket);
    libc.close();
  }
}
