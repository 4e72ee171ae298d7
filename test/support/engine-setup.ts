// One engine for the whole `worker` suite; where it answers is told to the Worker under test by vitest.config.ts.
import type { TestProject } from "vitest/node";
import { startEngine } from "./engine.ts";

declare module "vitest" {
  export interface ProvidedContext {
    engineUrl: string;
    engineToken: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const engine = await startEngine();
  project.provide("engineUrl", engine.url);
  project.provide("engineToken", engine.token);
  return () => engine.stop();
}
