// End to end: through the public port, against the embedded engine, or against Docker with BUNTIME_E2E=docker.
import { defineConfig } from "vitest/config";

export default defineConfig({
  cacheDir: "../../node_modules/.vite",
  test: {
    name: "e2e",
    root: import.meta.dirname,
    include: ["*.test.ts"],
    globalSetup: ["./global-setup.ts"],
    // Ends a test that hangs; no promise about speed is made here, that is what the bench is for.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 4,
  },
});
