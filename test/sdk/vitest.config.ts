// The SDK against a platform on the embedded engine, over connections that hold and over others.
import { defineConfig } from "vitest/config";

export default defineConfig({
  cacheDir: "../../node_modules/.vite",
  test: {
    name: "sdk",
    root: import.meta.dirname,
    include: ["**/*.test.ts"],
    globalSetup: ["../e2e/global-setup.ts"],
    typecheck: { enabled: false },
    // Ends a test that hangs; no promise about speed is made here.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
