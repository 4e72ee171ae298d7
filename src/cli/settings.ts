// Which platform, with which key: options of the command line win over the environment, and that over a profile.
import type { Command } from "commander";
import { usage } from "./failure.ts";
import { DEFAULT_PROFILE, isProfileName, readProfile } from "./profile.ts";

export interface GlobalOptions {
  readonly apiKey?: string;
  readonly baseUrl?: string;
  readonly profile?: string;
  readonly json: boolean;
}

type Given = Partial<GlobalOptions>;

export interface Settings {
  readonly apiKey: string;
  /** Of the API, without a slash at its end. */
  readonly baseUrl: string;
}

export const PUBLIC_URL = "https://api.buntime.sh";

/** Given before the verb or after it; after it wins. */
export function globalsOf(command: Command): GlobalOptions {
  const layers: Given[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) layers.push(at.opts<Given>());
  const first = (name: "apiKey" | "baseUrl" | "profile"): string | undefined =>
    layers.find((layer) => layer[name] !== undefined)?.[name];
  const [apiKey, baseUrl, profile] = [first("apiKey"), first("baseUrl"), first("profile")];
  return {
    json: layers.some((layer) => layer.json === true),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(profile === undefined ? {} : { profile }),
  };
}

/** @throws Failure that says where a key comes from */
export async function readSettings({ apiKey, baseUrl, profile: asked }: GlobalOptions): Promise<Settings> {
  const { BUNTIME_API_KEY: envKey, BUNTIME_BASE_URL: envUrl, BUNTIME_PROFILE: envProfile } = process.env;
  // One that is asked for by name on the command line is meant.
  const fromEnv = asked === undefined;
  const key = apiKey ?? ((fromEnv && envKey) || undefined);
  const url = baseUrl ?? ((fromEnv && envUrl) || undefined);
  const name = asked ?? (envProfile || DEFAULT_PROFILE);
  if (!isProfileName(name)) throw usage(`${JSON.stringify(name)} is not a profile's name`);
  const profile = key !== undefined && url !== undefined ? null : await readProfile(name);
  if (asked !== undefined && profile === null && (key === undefined || url === undefined)) {
    throw usage(`there is no profile ${name}`, `Make it with \`buntime login --profile ${name}\`.`);
  }
  const settings = { apiKey: key ?? profile?.apiKey, baseUrl: url ?? profile?.baseUrl ?? PUBLIC_URL };
  if (settings.apiKey === undefined) {
    throw usage("there is no API key", "Set BUNTIME_API_KEY, or store a key with `buntime login`.");
  }
  return { apiKey: settings.apiKey, baseUrl: parseBaseUrl(settings.baseUrl) };
}

/** @throws Failure when it is not a URL of HTTP */
export function parseBaseUrl(text: string): string {
  const whole = /^[a-z]+:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(whole) ? new URL(whole) : null;
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    throw usage(`${JSON.stringify(text)} is not a base URL`, "It looks like http://localhost:8787/api.");
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}
