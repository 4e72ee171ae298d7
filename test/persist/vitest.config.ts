// Stores for sandbox-agent's sessions, each over the database that it is for.
import { defineConfig } from "vitest/config";

export default defineConfig({
  cacheDir: "../../node_modules/.vite",
  test: {
    name: "persist",
    root: import.meta.dirname,
    include: ["*.test.ts"],
    globalSetup: ["../e2e/global-setup.ts"],
    // Ends a test that hangs; no promise about speed is made here.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
