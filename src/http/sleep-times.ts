// How long a session may stay awake is the operator's to bound. Pure but for the settings.
import { formatDuration, parseDuration } from "../contract/duration.ts";
import { sleepSettings } from "../env.ts";
import type { Env } from "../env.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";

/** What was asked for, in milliseconds; null where nothing was. */
export function sleepTimes(
  asked: { readonly idleAfter?: string | undefined; readonly deepSleepAfter?: string | undefined },
  env: Env,
): Result<{ readonly idleAfterMs: number | null; readonly deepSleepAfterMs: number | null }> {
  const { minMs, maxMs } = sleepSettings(env);
  const times = {
    idleAfterMs: millisecondsOf(asked.idleAfter),
    deepSleepAfterMs: millisecondsOf(asked.deepSleepAfter),
  };
  for (const [name, ms] of [
    ["idleAfter", times.idleAfterMs] as const,
    ["deepSleepAfter", times.deepSleepAfterMs],
  ] as const) {
    if (ms !== null && (ms < minMs || ms > maxMs)) {
      const bounds = { min: formatDuration(minMs), max: formatDuration(maxMs) };
      return fail("invalid_request", `\`${name}\` must be from ${bounds.min} to ${bounds.max} here.`, bounds);
    }
  }
  return ok(times);
}

function millisecondsOf(text: string | undefined): number | null {
  return text === undefined ? null : parseDuration(text);
}
