// What ERA's settings may be here. Nothing is stored that would not be kept.
import type { Plan } from "../contract/limits.ts";
import { ProblemError } from "../lib/problem-error.ts";
import type { CreateBody, Settings } from "./contract.ts";

/** Of a session that a run makes. */
export const IMPLICIT: Settings = {
  language: "python",
  persistent: true,
  metadata: {},
  defaultTimeout: null,
  allowPublicAccess: true,
  setup: false,
  implicit: true,
};

export function settingsOf(body: CreateBody): Settings {
  return {
    language: body.language,
    persistent: body.persistent,
    metadata: body.metadata,
    defaultTimeout: body.default_timeout ?? null,
    allowPublicAccess: body.allowPublicAccess,
    setup: body.setup !== undefined,
    implicit: false,
  };
}

/** @throws ProblemError `invalid_request` */
export function checkTimeout(seconds: number | null | undefined, { timeoutSeconds }: Plan): void {
  if (seconds !== undefined && seconds !== null && seconds > timeoutSeconds.max) {
    throw new ProblemError("invalid_request", `The time-out is above your plan's limit of ${timeoutSeconds.max} s.`, {
      max: timeoutSeconds.max,
    });
  }
}

/** Seconds; undefined where neither is given. */
export function secondsOf({
  timeout,
  timeout_ms: ms,
}: {
  timeout?: number | undefined;
  timeout_ms?: number | undefined;
}): number | undefined {
  return timeout ?? (ms === undefined ? undefined : ms / 1000);
}
