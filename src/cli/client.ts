// The SDK as verbs use it: connected as the command line, the environment or a profile says.
import type { Command } from "commander";
import type { Buntime, BuntimeOptions, Retry } from "../sdk/index.ts";
import type { Memory } from "../sdk/memory/index.ts";
import { fetchForNode } from "./light-fetch.ts";
import { note } from "./output.ts";
import { globalsOf, readSettings } from "./settings.ts";
import type { Settings } from "./settings.ts";

export interface Connection {
  readonly client: Buntime;
  readonly settings: Settings;
  readonly json: boolean;
}

export async function connect(command: Command): Promise<Connection> {
  const globals = globalsOf(command);
  const settings = await readSettings(globals);
  return { client: await clientOf(settings), settings, json: globals.json };
}

interface ClientOptions {
  readonly maxRetries?: number;
  /** Before each wait. False where whoever is asked ends the call instead. */
  readonly waits?: (retry: Retry) => boolean;
}

export async function clientOf(settings: Settings, { waits, ...options }: ClientOptions = {}): Promise<Buntime> {
  const { Buntime } = await import("../sdk/index.ts");
  return new Buntime({ ...optionsOf(settings, waits), ...options });
}

export async function memoryOf(settings: Settings): Promise<Memory> {
  const { Memory } = await import("../sdk/memory/index.ts");
  return new Memory(optionsOf(settings));
}

function optionsOf(settings: Settings, waits?: ClientOptions["waits"]): BuntimeOptions {
  return {
    ...settings,
    fetch: fetchForNode,
    onRetry: (retry) => {
      if (waits?.(retry) === false) return;
      const { delay, error } = retry;
      // Who waits wants to know for what.
      if (process.stderr.isTTY && delay > 1000) {
        note(`${error.message} Trying again in ${Math.ceil(delay / 1000)} s.`);
      }
    },
  };
}

const PAGE = 100;
/** More is nothing to read on a terminal, and a list that grows while it is read would have no end. */
const MOST = 10_000;

/** All of a list that comes in pages. */
export async function allOf<T>(
  page: (paging: { limit: number; offset: number }) => Promise<{ items: readonly T[]; total: number }>,
): Promise<{ items: T[]; total: number }> {
  const all: T[] = [];
  for (;;) {
    const { items, total } = await page({ limit: PAGE, offset: all.length });
    all.push(...items);
    if (items.length === 0 || all.length >= total || all.length >= MOST) return { items: all, total };
  }
}
