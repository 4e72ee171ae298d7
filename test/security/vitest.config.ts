// What an attacker tries, through the public port of one platform with two accounts, on the embedded engine.
import { defineConfig } from "vitest/config";

export default defineConfig({
  cacheDir: "../../node_modules/.vite",
  test: {
    name: "security",
    root: import.meta.dirname,
    // The suite `docker` runs it beside e2e, which has other workers.
    sequence: { groupOrder: 1 },
    include: ["*.test.ts"],
    globalSetup: ["./global-setup.ts"],
    // Ends a test that hangs; no promise about speed is made here.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
