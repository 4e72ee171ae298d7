// A platform that is started anew while the SDK waits for it.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Buntime, BuntimeError } from "../../src/sdk/index.ts";
import { startTestPlatform } from "../support/platform.ts";
import type { TestPlatform } from "../support/platform.ts";
import { until } from "../support/until.ts";

/** A platform starts several times here, and that takes what it takes on a machine that is busy. */
const PATIENCE_MS = 300_000;

let platform: TestPlatform;
let client: Buntime;
beforeAll(async () => {
  platform = await startTestPlatform({ env: { SAVE_AFTER: "100ms" } });
  const { url, apiKey } = platform.client;
  client = new Buntime({ baseUrl: `${url.origin}/api`, apiKey, retryDelay: 300, maxRetries: 30 });
}, PATIENCE_MS);
afterAll(() => platform.stop(), PATIENCE_MS);

async function again(): Promise<void> {
  const { dataDir, client: before } = platform;
  platform = await startTestPlatform({ dataDir, port: Number(before.url.port), env: { SAVE_AFTER: "100ms" } });
}

describe("a platform that is started anew", () => {
  test(
    "between two calls is noticed by a retry at the most",
    async () => {
      const session = await client.sessions.create();
      await session.files.write({ path: "a.txt", content: "kept" });
      await platform.end("SIGTERM");
      const reading = session.files.read({ path: "a.txt" });
      await again();
      expect(await reading).toBe("kept");
    },
    PATIENCE_MS,
  );

  test(
    "by SIGKILL during executions: they end in an answer or in an error that says so, and do not run again",
    async () => {
      const session = await client.sessions.create();
      const stream = session.execute.stream({ command: "echo x >> log; echo begun; sleep 600; echo done" });
      const plain = session.execute({ command: "echo y >> log; sleep 600" }, { timeout: PATIENCE_MS });
      const ending = plain.catch((error: unknown) => error);
      const seen: string[] = [];
      const reading = (async () => {
        for await (const { data } of stream) seen.push(String(data));
      })();
      const failure = reading.catch((error: unknown) => error);
      await until("both to run", async () => {
        const log = await session.files.read({ path: "log", as: "text" }).catch(() => "");
        return log.length === 4 && seen.length > 0;
      });
      // So that what they did is there afterwards, and would show if it were done again.
      await session.snapshots.create();
      await platform.end("SIGKILL");
      await again();
      for (const end of [await failure, await ending]) {
        expect(end).toBeInstanceOf(BuntimeError);
        expect(end).toMatchObject({ code: "container_unavailable", status: 503, details: { outcome: "unknown" } });
      }
      expect(seen.join("")).toBe("begun\n");
      const log = await session.files.read({ path: "log", as: "text" });
      expect(log.split("\n").toSorted()).toEqual(["", "x", "y"]);
    },
    PATIENCE_MS,
  );
});
