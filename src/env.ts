// What the operator configures: bindings and vars from wrangler.toml, secrets, and the embedded engine's address.

import { parseDuration } from "./contract/duration.ts";

type SleepVariable = "IDLE_AFTER" | "DEEP_SLEEP_AFTER" | "SLEEP_MIN" | "SLEEP_MAX" | "SAVE_AFTER";

/** The generated bindings, with [vars] as any text and the optional secrets that wrangler.toml does not list. */
export interface Env extends Omit<Cloudflare.Env, "DOMAIN" | "REQUESTS_PER_MINUTE" | SleepVariable> {
  /** Previews live at `ses-<id>.<DOMAIN>`; may carry a port. */
  readonly DOMAIN: string;
  /** What the operator's key may ask. Absent: what its plan allows. */
  readonly REQUESTS_PER_MINUTE?: string;
  readonly IDLE_AFTER: string;
  readonly DEEP_SLEEP_AFTER: string;
  readonly SLEEP_MIN: string;
  readonly SLEEP_MAX: string;
  readonly SAVE_AFTER: string;
  /** The operator's key, at least 16 characters. */
  readonly BUNTIME_API_KEY?: string;
  /** Where the embedded engine answers, such as `http://127.0.0.1:40001`. Absent: the platform's containers. */
  readonly ENGINE_URL?: string;
  readonly ENGINE_TOKEN?: string;
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

function durationOf(name: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === null || ms === 0) {
    throw new Error(`${name} is not a duration such as 30s, 5m or 2h: ${text}`);
  }
  return ms;
}

const KEY_CHARACTERS_MIN = 16;

/** The configured API key, or `null` where it is missing or too short to be one. */
export function apiKey(env: Env): string | null {
  const key = env.BUNTIME_API_KEY;
  return key !== undefined && key.length >= KEY_CHARACTERS_MIN ? key : null;
}

/** The configured number, `null` where there is none, or `undefined` where what is configured is not one. */
export function requestsPerMinute(env: Env): number | null | undefined {
  const text = env.REQUESTS_PER_MINUTE;
  if (text === undefined || text === "") {
    return null;
  }
  return /^[1-9][0-9]{0,8}$/.test(text) ? Number(text) : undefined;
}

/** `https://ses-….example.com`. Plain http on a machine of one's own: `localhost`, or a port that is not 443. */
export function publicOrigin(host: string, domain: string): string {
  const port = /:(\d+)$/.exec(domain)?.[1];
  const local = /^localhost(:|$)/.test(domain) || (port !== undefined && port !== "443");
  return `${local ? "http" : "https"}://${host}.${domain}`;
}
