// The command line as a process of its own, against a platform on the embedded engine.
import { defineConfig } from "vitest/config";

export default defineConfig({
  cacheDir: "../../node_modules/.vite",
  test: {
    name: "cli",
    root: import.meta.dirname,
    include: ["*.test.ts"],
    globalSetup: ["../e2e/global-setup.ts"],
    // Ends a test that hangs; no promise about speed is made here.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
