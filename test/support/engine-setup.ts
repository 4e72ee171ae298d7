// One engine for the whole `worker` suite, with a warden beside it; where they answer is told to the Worker under test by
// vitest.config.ts.
import type { TestProject } from "vitest/node";
import { startEngine } from "./engine.ts";
import { startWarden } from "./warden.ts";

declare module "vitest" {
  export interface ProvidedContext {
    engineUrl: string;
    engineToken: string;
    wardenUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const engine = await startEngine();
  const warden = await startWarden(engine.dataDir);
  project.provide("engineUrl", engine.url);
  project.provide("engineToken", engine.token);
  project.provide("wardenUrl", warden.url);
  return async () => {
    // The Worker is gone, which would have saved what runs.
    await Promise.all([engine.kill(), warden.stop()]);
  };
}
