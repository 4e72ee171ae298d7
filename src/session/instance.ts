// Which size of container holds a session's limits. Cloudflare's bounds for custom sizes are from
// https://developers.cloudflare.com/containers/platform/limits/: at least 1 vCPU, 3 GiB of memory per vCPU and no more
// than 2 GB of disk per GiB of memory. Below 1 vCPU only named sizes exist. Pure.
import type { ImageName } from "../contract/language.ts";
import type { ResourceLimits } from "../contract/session.ts";
import type { StartOptions } from "./container.ts";

/** Smallest first. */
const NAMED = [
  { name: "lite", vcpu: 1 / 16, memoryMib: 256, diskMb: 2000 },
  { name: "basic", vcpu: 1 / 4, memoryMib: 1024, diskMb: 4000 },
  { name: "standard-1", vcpu: 1 / 2, memoryMib: 4096, diskMb: 8000 },
] as const;
const CUSTOM = { vcpuMin: 1, memoryMibPerVcpu: 3072, diskMbPerMib: 2000 / 1024 } as const;
/** The image, of 0.3 and 1.2 GB, /tmp and room to breathe, beside /workspace. */
const SYSTEM_DISK_MB = { bun: 1024, polyglot: 2000 } as const satisfies Readonly<Record<ImageName, number>>;

export function instanceFor(limits: ResourceLimits, image: ImageName): NonNullable<StartOptions["instance"]> {
  const diskMb = limits.disk + SYSTEM_DISK_MB[image];
  const named = NAMED.find(
    (size) => size.vcpu >= limits.cpu && size.memoryMib >= limits.memory && size.diskMb >= diskMb,
  );
  if (named !== undefined) {
    return named.name;
  }
  const vcpu = Math.max(limits.cpu, CUSTOM.vcpuMin);
  const memoryMib = Math.ceil(Math.max(limits.memory, vcpu * CUSTOM.memoryMibPerVcpu, diskMb / CUSTOM.diskMbPerMib));
  return { vcpu, memoryMib, diskMb };
}
