// What the operator configures: bindings and vars from wrangler.toml, secrets, and the embedded engine's address.

import { parseDuration } from "./contract/duration.ts";
import { PLANS } from "./contract/limits.ts";
import type { Plan } from "./contract/limits.ts";

/** What the development account may, in place of what the plan `paid` says. */
const PLAN_VARIABLES = {
  REQUESTS_PER_MINUTE: "requestsPerMinute",
  PREVIEWS_PER_MINUTE: "previewsPerMinute",
  SESSIONS_MAX: "sessions",
} as const satisfies Record<string, keyof Plan>;
// SAFETY: Object.entries of a literal gives its entries.
const PLAN_ENTRIES = Object.entries(PLAN_VARIABLES) as [PlanVariable, PlanLimit][];
type PlanLimit = (typeof PLAN_VARIABLES)[PlanVariable];
type PlanVariable = keyof typeof PLAN_VARIABLES;
type SleepVariable = "IDLE_AFTER" | "DEEP_SLEEP_AFTER" | "SLEEP_MIN" | "SLEEP_MAX" | "SAVE_AFTER";

/** The generated bindings, with [vars] as any text and the optional secrets that wrangler.toml does not list. */
export interface Env extends Omit<Cloudflare.Env, "DOMAIN" | PlanVariable | SleepVariable> {
  /** Previews live at `ses-<id>.<DOMAIN>`; may carry a port. */
  readonly DOMAIN: string;
  /** Of the development account. Absent: what its plan allows. */
  readonly REQUESTS_PER_MINUTE?: string;
  readonly PREVIEWS_PER_MINUTE?: string;
  readonly SESSIONS_MAX?: string;
  readonly IDLE_AFTER: string;
  readonly DEEP_SLEEP_AFTER: string;
  readonly SLEEP_MIN: string;
  readonly SLEEP_MAX: string;
  readonly SAVE_AFTER: string;
  /** How old an object in R2 that no snapshot names must be to be deleted. Absent: an hour, longer than any upload takes. */
  readonly ORPHAN_AFTER?: string;
  /** Of one session's database, its history above all. Absent: a little under what a Durable Object may have. */
  readonly HISTORY_MAX_BYTES?: string;
  /** The development account's key, at least 16 characters. */
  readonly BUNTIME_API_KEY?: string;
  /** Opens the operator's API and nothing else, at least 16 characters. Absent: there is no such API. */
  readonly BUNTIME_ADMIN_KEY?: string;
  /** The header in which a trusted proxy says where a request comes from; empty: there is none. Absent: Cloudflare's. */
  readonly CLIENT_ADDRESS_HEADER?: string;
  /** `true`: webhooks may go to private addresses, and by plain http. */
  readonly WEBHOOKS_ALLOW_PRIVATE?: string;
  /** The network that webhooks go through, which refuses names that resolve to private addresses. Absent: the platform's. */
  readonly WEBHOOK_EGRESS?: Fetcher;
  /** Where the embedded engine answers, such as `http://127.0.0.1:40001`. Absent: the platform's containers. */
  readonly ENGINE_URL?: string;
  readonly ENGINE_TOKEN?: string;
  /** Where code in sessions reaches this platform, such as `http://buntime.internal`. Absent: where its clients do. */
  readonly INSIDE_ORIGIN?: string;
}

/** How long sessions stay awake without activity, and within which bounds one may choose for itself. */
export interface SleepSettings {
  readonly idleAfterMs: number;
  readonly deepSleepAfterMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  /** How long a session is quiet before what was changed is saved. */
  readonly saveAfterMs: number;
}

/** @throws Error naming the variable that is no duration */
export function sleepSettings(env: Env): SleepSettings {
  return {
    idleAfterMs: durationOf("IDLE_AFTER", env.IDLE_AFTER),
    deepSleepAfterMs: durationOf("DEEP_SLEEP_AFTER", env.DEEP_SLEEP_AFTER),
    minMs: durationOf("SLEEP_MIN", env.SLEEP_MIN),
    maxMs: durationOf("SLEEP_MAX", env.SLEEP_MAX),
    saveAfterMs: durationOf("SAVE_AFTER", env.SAVE_AFTER),
  };
}

const ORPHAN_AFTER = "1h";

/** @throws Error naming the variable that is no duration */
export function orphanAfterMs(env: Env): number {
  return durationOf("ORPHAN_AFTER", env.ORPHAN_AFTER ?? ORPHAN_AFTER);
}

/** A Durable Object may have 10 GB: https://developers.cloudflare.com/durable-objects/platform/limits/ */
const HISTORY_MAX_BYTES = 9_500_000_000;

/** @throws Error where it is no number of bytes */
export function historyMaxBytes(env: Env): number {
  const text = env.HISTORY_MAX_BYTES ?? "";
  if (!/^\d{0,15}$/.test(text)) {
    throw new Error(`HISTORY_MAX_BYTES is not a number of bytes: ${text}`);
  }
  return text === "" ? HISTORY_MAX_BYTES : Number(text);
}

function durationOf(name: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === null || ms === 0) {
    throw new Error(`${name} is not a duration such as 30s, 5m or 2h: ${text}`);
  }
  return ms;
}

const KEY_CHARACTERS_MIN = 16;

/** The key, or `null` where it is missing or too short to be one. */
export function usableKey(key: string | undefined): string | null {
  return key !== undefined && key.length >= KEY_CHARACTERS_MIN ? key : null;
}

/** What the development account may; or the name of the variable that is no number. */
export function developmentPlan(env: Env): Plan | PlanVariable {
  const own: Partial<Record<PlanLimit, number>> = {};
  for (const [variable, limit] of PLAN_ENTRIES) {
    const text = env[variable];
    if (text !== undefined && text !== "") {
      if (!/^[1-9][0-9]{0,8}$/.test(text)) {
        return variable;
      }
      own[limit] = Number(text);
    }
  }
  return { ...PLANS.paid, ...own };
}

export function allowsPrivateWebhooks(env: Env): boolean {
  return env.WEBHOOKS_ALLOW_PRIVATE === "true";
}

/** `https://ses-….example.com`. Plain http on a machine of one's own: `localhost`, or a port that is not 443. */
export function publicOrigin(host: string, domain: string): string {
  const port = /:(\d+)$/.exec(domain)?.[1];
  const local = /^localhost(:|$)/.test(domain) || (port !== undefined && port !== "443");
  return `${local ? "http" : "https"}://${host}.${domain}`;
}
