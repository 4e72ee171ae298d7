// The published package, as it is after `npm pack` and `npm install` in somebody else's folder.
import { defineConfig } from "vitest/config";

export default defineConfig({
  cacheDir: "../../node_modules/.vite",
  test: {
    name: "package",
    root: import.meta.dirname,
    include: ["*.test.ts"],
    globalSetup: ["./pack-setup.ts"],
    testTimeout: 120_000,
    maxWorkers: 2,
  },
});
