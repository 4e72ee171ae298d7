// One platform for the whole run, with an operator.
import type { TestProject } from "vitest/node";
import { startTestPlatform } from "../support/platform.ts";

export interface Platform {
  /** Such as `localhost:40001`. */
  readonly domain: string;
  readonly apiKey: string;
  readonly adminKey: string;
}

declare module "vitest" {
  interface ProvidedContext {
    platform: Platform;
  }
}

const ADMIN_KEY = "adm_docs2docs2docs2docs2";

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const platform = await startTestPlatform({ env: { BUNTIME_ADMIN_KEY: ADMIN_KEY } });
  const { domain, apiKey } = platform.client;
  project.provide("platform", { domain, apiKey, adminKey: ADMIN_KEY });
  return () => platform.stop();
}
