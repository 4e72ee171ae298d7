// What the documents show and the examples do, run as their readers would run it: in a project of theirs, against a platform
// on the embedded engine.
import { defineConfig } from "vitest/config";

export default defineConfig({
  cacheDir: "../../node_modules/.vite",
  test: {
    name: "docs",
    root: import.meta.dirname,
    include: ["*.test.ts"],
    globalSetup: ["./platform-setup.ts", "./project-setup.ts"],
    // Ends a test that hangs; no promise about speed is made here.
    testTimeout: 120_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
