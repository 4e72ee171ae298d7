// A plan's limits on what a session is given. Pure.
import { DEFAULT_RESOURCES } from "../contract/limits.ts";
import type { Plan } from "../contract/limits.ts";
import type { CreateSession, ResourceLimits } from "../contract/session.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";

const NAMES = ["memory", "cpu", "timeout", "disk"] as const;

/** What was asked for, completed by the defaults and held against the plan. */
export function resourceLimits(asked: CreateSession["resourceLimits"], plan: Plan): Result<ResourceLimits> {
  const most = mostOf(plan);
  for (const name of NAMES) {
    if ((asked[name] ?? 0) > most[name]) {
      return fail("forbidden", `\`resourceLimits.${name}\` is above your plan's limit of ${most[name]}.`, {
        limit: name,
        max: most[name],
      });
    }
  }
  const defaults = within({ ...DEFAULT_RESOURCES, timeout: plan.timeoutSeconds.default }, plan);
  return ok({
    memory: asked.memory ?? defaults.memory,
    cpu: asked.cpu ?? defaults.cpu,
    timeout: asked.timeout ?? defaults.timeout,
    disk: asked.disk ?? defaults.disk,
  });
}

/** These limits, or the plan's where they are above it: of what began under another plan. */
export function within(limits: ResourceLimits, plan: Plan): ResourceLimits {
  const most = mostOf(plan);
  return {
    memory: Math.min(limits.memory, most.memory),
    cpu: Math.min(limits.cpu, most.cpu),
    timeout: Math.min(limits.timeout, most.timeout),
    disk: Math.min(limits.disk, most.disk),
  };
}

export function checkTtl(ttl: number | undefined, { ttlMaxSeconds }: Plan): Result<null> {
  return ttl === undefined || ttl <= ttlMaxSeconds
    ? ok(null)
    : fail("invalid_request", `\`ttl\` is above your plan's limit of ${ttlMaxSeconds} s.`, { max: ttlMaxSeconds });
}

function mostOf({ memoryMb, cpu, timeoutSeconds, diskMb }: Plan): ResourceLimits {
  return { memory: memoryMb, cpu, timeout: timeoutSeconds.max, disk: diskMb };
}
