// Builds the console into what the Worker serves under /console.
import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  base: "/console/",
  cacheDir: "../../node_modules/.vite/console",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../../build/assets/console",
    emptyOutDir: true,
    target: "es2023",
    // Nothing is written into the page itself: its policy forbids inline scripts and data URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
