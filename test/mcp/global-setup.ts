// One platform for the whole run, with an operator who can make accounts.
import type { TestProject } from "vitest/node";
import { startTestPlatform } from "../support/platform.ts";

const ADMIN_KEY = "adm_mcp2mcp2mcp2mcp2";

export interface McpRun {
  /** Of the main host, such as `http://127.0.0.1:40001/`. */
  readonly url: string;
  readonly domain: string;
  readonly apiKey: string;
  readonly adminKey: string;
}

declare module "vitest" {
  interface ProvidedContext {
    mcpRun: McpRun;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const platform = await startTestPlatform({ env: { BUNTIME_ADMIN_KEY: ADMIN_KEY } });
  const { url, domain, apiKey } = platform.client;
  project.provide("mcpRun", { url: url.href, domain, apiKey, adminKey: ADMIN_KEY });
  return () => platform.stop();
}
