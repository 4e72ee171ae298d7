// Previews in Debian's Chromium, against the platform that the end-to-end suite uses.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "browser",
    root: import.meta.dirname,
    include: ["*.test.ts"],
    globalSetup: ["../e2e/global-setup.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
