/**
 * `buntime/testing`: the whole platform within a test's own process, so that tests of code that uses buntime need neither
 * a network nor an account. The same Worker and the same supervisor as in production, over containers from Linux namespaces.
 *
 * Needs Linux and the packages `miniflare` and `bun`.
 *
 * @example
 * const platform = await startBuntime();
 * const session = await platform.client().sessions.create();
 * const { stdout } = await session.execute({ code: "console.log(1 + 1)" });
 * await platform.stop();
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Buntime, type BuntimeOptions } from "../sdk/index.ts";
import { parseDuration } from "../contract/duration.ts";
import { startPlatform } from "./platform.ts";

export interface StartBuntimeOptions {
  /** Default: any that is free. */
  readonly port?: number;
  /** The address to listen on. Default: 127.0.0.1. */
  readonly host?: string;
  /** Default: a new one. */
  readonly apiKey?: string;
  /** Where sessions are kept, to be found there by the next start. Default: a temporary one, removed by stop(). */
  readonly dataDirectory?: string;
  /** How long a session has to be without activity to be idle: `2s`, `5m`. A number is in milliseconds. Default: 5m. */
  readonly idleAfter?: string | number;
  /** The same for deep sleep. Default: 30m. */
  readonly deepSleepAfter?: string | number;
  /** How long a session has to be quiet until its files are saved. Default: 20s. */
  readonly saveAfter?: string | number;
  /** Any other variable of the platform, such as `REQUESTS_PER_MINUTE`. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Gets what the platform has to say, such as that its engine had to be started again. Default: stderr. */
  readonly log?: (line: string) => void;
}

export interface LocalBuntime {
  /** `http://localhost:<port>`. */
  readonly url: string;
  /** Of the API: what `BUNTIME_BASE_URL` would be. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** A new client of this platform. */
  client(options?: Omit<BuntimeOptions, "apiKey" | "baseUrl">): Buntime;
  /** Ends it, and with it all its sessions. May be called twice. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Resolves when it answers, after about a second. Many may run at the same time.
 * @throws Error that says what is missing: a package (with the command that installs it), or Linux namespaces
 */
export async function startBuntime(options: StartBuntimeOptions = {}): Promise<LocalBuntime> {
  const { idleAfter, deepSleepAfter, saveAfter, dataDirectory, variables, ...rest } = options;
  const timers = { IDLE_AFTER: idleAfter, DEEP_SLEEP_AFTER: deepSleepAfter, SAVE_AFTER: saveAfter };
  const durations = Object.entries(timers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, duration(value)] as const],
  );
  const directory = dataDirectory ?? (await mkdtemp(path.join(tmpdir(), "buntime-testing-")));
  const remove = async (): Promise<void> => {
    if (dataDirectory === undefined) await rm(directory, { recursive: true, force: true });
  };
  try {
    const platform = await startPlatform({
      ...rest,
      dataDirectory: directory,
      variables: { ...variables, ...Object.fromEntries(durations) },
    });
    const baseUrl = `${platform.url}/api`;
    const { url, apiKey } = platform;
    const end = async (): Promise<void> => {
      try {
        await platform.stop();
      } finally {
        await remove();
      }
    };
    let ending: Promise<void> | undefined;
    const stop = (): Promise<void> => (ending ??= end());
    return {
      url,
      baseUrl,
      apiKey,
      client: (clientOptions) => new Buntime({ ...clientOptions, apiKey, baseUrl }),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

function duration(value: string | number): string {
  const text = typeof value === "number" ? `${value}ms` : value;
  if (!parseDuration(text)) throw new TypeError(`${text} is not a duration such as 500ms, 30s, 5m or 2h`);
  return text;
}
