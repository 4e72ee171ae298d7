// What the engine and the session object tell the supervisor, parsed once from its environment.
import { CONTROL_PORT } from "../../src/contract/ids.ts";
import { LAST_SAVE_MS, SERVICE_START_MS, SPARE_MEMORY_MS, TERMINALS } from "../../src/contract/limits.ts";

/** Under whom user code runs, so that it cannot touch the supervisor. */
export type UserIdentity =
  /** Another uid than the supervisor's: the supervisor is root. */
  | { readonly kind: "uid"; readonly uid: number; readonly gid: number }
  /** One uid for all (namespaces of an ordinary user): processes live in a pid and mount namespace of their own. */
  | { readonly kind: "namespace" }
  /** No separation. Tests of an ordinary user only. */
  | { readonly kind: "same" };

export interface Config {
  readonly token: string;
  /** Absolute, without symlinks. */
  readonly workspace: string;
  /** Where tools keep what they can download or compile again. User code's, and not saved. */
  readonly cache: string;
  /** The name of the image that this runs from. */
  readonly image: string;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly user: UserIdentity;
  /** Extra environment of user processes, such as a certificate bundle. */
  readonly userEnvironment: Readonly<Record<string, string>>;
  /** Directory of the embedded engine's sockets; null where the control port is TCP. */
  readonly sockets: string | null;
  /** The container has a way to the network. */
  readonly internet: boolean;
  readonly port: number;
  /** The network namespace is new: `lo` has to be brought up. */
  readonly bringLoopbackUp: boolean;
  /**
   * What the end waits for the last save, a list of services for its ports, a terminal for a sign of life of its viewers,
   * and memory for being needed again. Others in tests only.
   */
  readonly patience: {
    readonly lastSaveMs: number;
    readonly serviceStartMs: number;
    readonly terminalSilenceMs: number;
    readonly spareMemoryMs: number;
  };
}

const MIB = 1024 * 1024;

/** @throws Error naming the variable that is missing or malformed. */
export function parseConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const token = env["BUNTIME_TOKEN"];
  if (token === undefined || token.length < 32)
    throw new Error("BUNTIME_TOKEN is missing or shorter than 32 characters");
  const workspace = env["BUNTIME_WORKSPACE"] ?? "/workspace";
  return {
    token,
    workspace,
    cache: env["BUNTIME_CACHE"] ?? `${workspace}/.buntime/cache`,
    image: env["BUNTIME_IMAGE"] ?? "bun",
    memoryBytes: positive(env, "BUNTIME_MEMORY_MB", 1024) * MIB,
    diskBytes: positive(env, "BUNTIME_DISK_MB", 1024) * MIB,
    user: parseUser(env["BUNTIME_USER"] ?? "1000:1000"),
    userEnvironment: parseRecord(env["BUNTIME_USER_ENV"] ?? "{}"),
    sockets: env["BUNTIME_SOCKETS"] ?? null,
    internet: env["BUNTIME_INTERNET"] !== "0",
    port: positive(env, "BUNTIME_CONTROL_PORT", CONTROL_PORT),
    bringLoopbackUp: env["BUNTIME_LOOPBACK"] === "1",
    patience: {
      lastSaveMs: positive(env, "BUNTIME_LAST_SAVE_MS", LAST_SAVE_MS),
      serviceStartMs: positive(env, "BUNTIME_SERVICE_START_MS", SERVICE_START_MS),
      terminalSilenceMs: positive(env, "BUNTIME_TERMINAL_SILENCE_MS", TERMINALS.silenceMs),
      spareMemoryMs: positive(env, "BUNTIME_SPARE_MEMORY_MS", SPARE_MEMORY_MS),
    },
  };
}

function positive(env: Readonly<Record<string, string | undefined>>, name: string, fallback: number): number {
  const value = Number(env[name] ?? fallback);
  if (!Number.isInteger(value) || value <= 0) throw new Error(`${name} is not a positive whole number: ${env[name]}`);
  return value;
}

function parseUser(text: string): UserIdentity {
  if (text === "namespace" || text === "same") return { kind: text };
  const match = /^(\d+):(\d+)$/.exec(text);
  if (match === null) throw new Error(`BUNTIME_USER is neither uid:gid, namespace nor same: ${text}`);
  return { kind: "uid", uid: Number(match[1]), gid: Number(match[2]) };
}

function parseRecord(text: string): Record<string, string> {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null) throw new Error("BUNTIME_USER_ENV is not a JSON object");
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, String(entry)]));
}
