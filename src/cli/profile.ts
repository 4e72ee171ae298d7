// Keys and base URLs by name, in $XDG_CONFIG_HOME/buntime/config.json, which nobody but its owner can read.
import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { Failure } from "./failure.ts";

export interface Profile {
  readonly apiKey: string;
  readonly baseUrl: string;
}

export const DEFAULT_PROFILE = "default";
const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

interface Config {
  readonly profiles: Readonly<Record<string, Profile>>;
}

export const isProfileName = (name: string): boolean => NAME.test(name);

export function configFile(env: NodeJS.ProcessEnv = process.env): string {
  // The specification wants relative ones to be ignored.
  const home = env["XDG_CONFIG_HOME"];
  const directory = home !== undefined && path.isAbsolute(home) ? home : path.join(homedir(), ".config");
  return path.join(directory, "buntime", "config.json");
}

/** Null where there is none of that name. @throws Failure when the file cannot be read as one */
export async function readProfile(name: string): Promise<Profile | null> {
  return (await readConfig()).profiles[name] ?? null;
}

/** Replaces the one of that name. The file is there as a whole or not at all, and never readable by others. */
export async function writeProfile(name: string, profile: Profile): Promise<void> {
  const file = configFile();
  const { profiles } = await readConfig();
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  const config: Config = { profiles: { ...profiles, [name]: profile } };
  await writeFile(draft, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  await chmod(draft, 0o600);
  await rename(draft, file);
}

async function readConfig(): Promise<Config> {
  const file = configFile();
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return { profiles: {} };
    throw new Failure(`cannot read ${file}: ${String(error)}`);
  }
  const broken = (): Failure =>
    new Failure(`${file} is not a buntime configuration`, { hint: "Remove it, and run `buntime login` again." });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw broken();
  }
  const stored = isRecord(value) ? value["profiles"] : null;
  if (!isRecord(stored)) throw broken();
  const profiles: Record<string, Profile> = Object.create(null);
  for (const [name, profile] of Object.entries(stored)) {
    if (!isRecord(profile)) throw broken();
    const { apiKey, baseUrl } = profile;
    if (typeof apiKey !== "string" || typeof baseUrl !== "string") throw broken();
    profiles[name] = { apiKey, baseUrl };
  }
  return { profiles };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
