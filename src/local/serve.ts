// A platform in the foreground: `npm start` and `buntime dev`. It says where it is, and runs until Ctrl-C or TERM.
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { type PlatformOptions, startPlatform } from "./platform.ts";
import { readyMessage } from "./ready-message.ts";
import type { Settings } from "./settings.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface ServeOptions extends Pick<PlatformOptions, "engine"> {
  /** Below the data directory, for what must not share it. */
  readonly subdirectory?: string;
}

/**
 * Resolves when a signal has ended it in order: its sessions and their files are there at the next start, and no process of
 * it is left. A second signal ends this process at once, with 1.
 * @throws Error to show to whoever started it, as startPlatform
 */
export async function serve(settings: Settings, { subdirectory = ".", engine }: ServeOptions = {}): Promise<void> {
  const dataDirectory = path.join(settings.dataDirectory, subdirectory);
  await mkdir(dataDirectory, { recursive: true });
  const platform = await startPlatform({
    ...settings,
    dataDirectory,
    ...(engine === undefined ? {} : { engine }),
    log: (line) => console.error(`buntime: ${line}`),
  });
  const signalled = new Promise<void>((resolve) => {
    let stopping = false;
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        if (stopping) process.exit(1);
        stopping = true;
        resolve();
      });
    }
  });
  console.log(readyMessage(platform.url, settings));
  await signalled;
  await platform.stop();
}
