// What `npm start` and `buntime dev` take from their environment, parsed once. The key is made on the first start and kept.
import { randomInt } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseDuration } from "../contract/duration.ts";

export interface Settings {
  readonly host: string;
  readonly port: number;
  /** null: `localhost:<port>`. */
  readonly domain: string | null;
  readonly dataDirectory: string;
  /** Variables of the Worker, in place of those in wrangler.toml. */
  readonly variables: Readonly<Record<string, string>>;
  readonly apiKey: string;
  /** What fires on Cloudflare by cron. */
  readonly sweepEveryMs: number;
  /** The key came from the data directory or was made just now, so its owner has to be told. */
  readonly keyIsGenerated: boolean;
}

const KEY_LENGTH_MIN = 16;
/** On a machine of one's own there is nobody to be protected from. */
export const LOCAL_VARIABLES = {
  REQUESTS_PER_MINUTE: "1000000",
  PREVIEWS_PER_MINUTE: "1000000",
  SESSIONS_MAX: "10000",
} as const;
const DURATIONS = ["IDLE_AFTER", "DEEP_SLEEP_AFTER", "SLEEP_MIN", "SLEEP_MAX", "SAVE_AFTER", "ORPHAN_AFTER"] as const;
/** As often as the cron of wrangler.toml. */
export const SWEEP_EVERY_MS = 3_600_000;
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** @throws Error naming the variable that is malformed. */
export async function readSettings(env: Readonly<Record<string, string | undefined>>): Promise<Settings> {
  const port = Number(env["PORT"] || "8787");
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`PORT is not a port: ${env["PORT"]}`);
  const dataDirectory = path.resolve(env["BUNTIME_DATA_DIR"] || ".buntime");
  await mkdir(dataDirectory, { recursive: true });
  const given = env["BUNTIME_API_KEY"];
  const adminKey = env["BUNTIME_ADMIN_KEY"];
  for (const [name, key] of Object.entries({ BUNTIME_API_KEY: given, BUNTIME_ADMIN_KEY: adminKey })) {
    if (key && key.length < KEY_LENGTH_MIN) throw new Error(`${name} is shorter than ${KEY_LENGTH_MIN} characters`);
  }
  const variables: Record<string, string> = {
    ...LOCAL_VARIABLES,
    ...(adminKey ? { BUNTIME_ADMIN_KEY: adminKey } : {}),
  };
  for (const name of [...DURATIONS, ...Object.keys(LOCAL_VARIABLES)]) {
    const value = env[name];
    if (value !== undefined && value !== "") variables[name] = value;
  }
  for (const name of Object.keys(LOCAL_VARIABLES)) {
    if (!/^[1-9][0-9]{0,8}$/.test(variables[name] ?? "")) {
      throw new Error(`${name} is not a whole number from 1 to 999999999: ${variables[name]}`);
    }
  }
  for (const name of DURATIONS) {
    const value = variables[name];
    if (value !== undefined && !parseDuration(value)) {
      throw new Error(`${name} is not a duration such as 500ms, 30s, 5m or 2h: ${value}`);
    }
  }
  const historyMaxBytes = env["HISTORY_MAX_BYTES"];
  if (historyMaxBytes) {
    if (!/^\d{1,15}$/.test(historyMaxBytes)) {
      throw new Error(`HISTORY_MAX_BYTES is not a number of bytes: ${historyMaxBytes}`);
    }
    variables["HISTORY_MAX_BYTES"] = historyMaxBytes;
  }
  const sweepEveryMs = env["SWEEP_EVERY"] ? parseDuration(env["SWEEP_EVERY"]) : SWEEP_EVERY_MS;
  if (!sweepEveryMs) throw new Error(`SWEEP_EVERY is not a duration such as 30s, 5m or 2h: ${env["SWEEP_EVERY"]}`);
  if (env["CLIENT_ADDRESS_HEADER"]) variables["CLIENT_ADDRESS_HEADER"] = env["CLIENT_ADDRESS_HEADER"];
  const webhooksAllowPrivate = env["WEBHOOKS_ALLOW_PRIVATE"] || "false";
  if (!["true", "false"].includes(webhooksAllowPrivate)) {
    throw new Error(`WEBHOOKS_ALLOW_PRIVATE is neither true nor false: ${webhooksAllowPrivate}`);
  }
  if (webhooksAllowPrivate === "true") variables["WEBHOOKS_ALLOW_PRIVATE"] = webhooksAllowPrivate;
  return {
    host: env["HOST"] || "127.0.0.1",
    port,
    domain: env["DOMAIN"] || null,
    dataDirectory,
    variables,
    apiKey: given || (await keptKey(path.join(dataDirectory, "api-key"))),
    sweepEveryMs,
    keyIsGenerated: !given,
  };
}

async function keptKey(file: string): Promise<string> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch {
    const key = newApiKey();
    await writeFile(file, `${key}\n`, { mode: 0o600 });
    return key;
  }
}

export function newApiKey(): string {
  return `btk_${Array.from({ length: 32 }, () => ALPHABET[randomInt(ALPHABET.length)]).join("")}`;
}
