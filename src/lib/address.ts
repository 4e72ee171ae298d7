// Which IP addresses user code and webhooks may connect to: the public ones. Pure. What counts is the resolved address, so
// no spelling of a name or a number gets around it. Ranges as in IANA's special-purpose address registries.
import { BlockList, isIPv6 } from "node:net";

const REFUSED_V4 = [
  ["0.0.0.0", 8, "unspecified"],
  ["10.0.0.0", 8, "private"],
  ["100.64.0.0", 10, "carrier-grade NAT"],
  ["127.0.0.0", 8, "loopback"],
  ["169.254.0.0", 16, "link-local"],
  ["172.16.0.0", 12, "private"],
  ["192.0.0.0", 24, "reserved"],
  ["192.168.0.0", 16, "private"],
  ["198.18.0.0", 15, "reserved"],
  ["224.0.0.0", 4, "multicast"],
  ["240.0.0.0", 4, "reserved"],
] as const;
/** Everything outside of global unicast, 2000::/3, is refused anyway; this says why, and what is refused within it. */
const REFUSED_V6 = [
  ["::", 128, "unspecified"],
  ["::1", 128, "loopback"],
  ["fe80::", 10, "link-local"],
  ["fc00::", 7, "private"],
  ["ff00::", 8, "multicast"],
  ["2001::", 32, "tunnel"],
  ["2002::", 16, "tunnel"],
] as const;

const v4 = REFUSED_V4.map(([net, prefix, why]) => ({ list: subnet(net, prefix, "ipv4"), why }));
const v6 = REFUSED_V6.map(([net, prefix, why]) => ({ list: subnet(net, prefix, "ipv6"), why }));
const globalUnicast = subnet("2000::", 3, "ipv6");
/** An IPv4 address in the last 32 bits: mapped, and NAT64 (RFC 6052). */
const embedded = [subnet("::ffff:0:0", 96, "ipv6"), subnet("64:ff9b::", 96, "ipv6")];

/** Why this address is refused, in a word; null when it is public. */
export function refusal(address: string, ownAddresses: readonly string[] = []): string | null {
  const plain = address.replace(/%.*$/, "");
  if (ownAddresses.includes(plain)) {
    return "this machine's own";
  }
  if (!isIPv6(plain)) {
    return v4.find(({ list }) => list.check(plain, "ipv4"))?.why ?? null;
  }
  if (embedded.some((list) => list.check(plain, "ipv6"))) {
    return refusal(lastFourBytes(plain), ownAddresses);
  }
  const special = v6.find(({ list }) => list.check(plain, "ipv6"));
  if (special !== undefined) {
    return special.why;
  }
  return globalUnicast.check(plain, "ipv6") ? null : "reserved";
}

function subnet(net: string, prefix: number, family: "ipv4" | "ipv6"): BlockList {
  const list = new BlockList();
  list.addSubnet(net, prefix, family);
  return list;
}

/** `::ffff:127.0.0.1` and `::ffff:7f00:1` → `127.0.0.1` */
function lastFourBytes(address: string): string {
  const dotted = /(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  if (dotted !== undefined) {
    return dotted;
  }
  const groups = address.split(":").slice(-2);
  return groups
    .map((group) => Number.parseInt(group === "" ? "0" : group, 16))
    .flatMap((group) => [group >> 8, group & 255])
    .join(".");
}
