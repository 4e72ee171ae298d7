// The suites: `unit` runs pure code in node, `worker` the Worker in the real workerd with a real embedded engine,
// `e2e` talks to a running platform from the outside,
// `docs` runs what the documents show and the examples do,
// `persist` holds the drivers for agents' sessions against the databases that they are for,
// `sdk` does so by the TypeScript SDK, also over connections that break, `security` attacks one, `mcp` speaks the Model Context Protocol with one, `package` installs what is published.
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { buildAssets } from "./src/local/assets.ts";

// wrangler.toml is not accepted without them.
await buildAssets(import.meta.dirname);

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], environment: "node", testTimeout: 60_000 } },
      {
        plugins: [
          cloudflareTest(({ inject }) => ({
            main: "./src/index.ts",
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              bindings: {
                BUNTIME_API_KEY: "btk_worker_tests_only",
                BUNTIME_ADMIN_KEY: "admin_worker_tests_only",
                SESSIONS_MAX: "10000",
                PREVIEWS_PER_MINUTE: "100000",
                WEBHOOKS_ALLOW_PRIVATE: "true",
                REQUESTS_PER_MINUTE: "1000000",
                ENGINE_URL: inject("engineUrl"),
                ENGINE_TOKEN: inject("engineToken"),
                WARDEN_URL: inject("wardenUrl"),
                FAULT_ROUNDS: process.env["FAULT_ROUNDS"] ?? "",
              },
            },
          })),
        ],
        test: {
          name: "worker",
          include: ["test/worker/**/*.test.ts"],
          globalSetup: ["./test/support/engine-setup.ts", "./test/support/receiver-setup.ts"],
          testTimeout: 30_000,
          // Files wait for containers more than they work; by itself vitest leaves one of two cores unused.
          maxWorkers: 2,
          // To import the Worker takes longer than most files' tests. Files share it, then, and all that it stores.
          isolate: false,
        },
      },
      "./test/{e2e,sdk,cli,security,browser,package,mcp,docs,persist}/vitest.config.ts",
    ],
  },
});
