// A platform that is stopped and started again on the same data while commands run on it.
import { describe, expect, onTestFinished, test } from "vitest";
import { startTestPlatform } from "../support/platform.ts";
import type { TestPlatform } from "../support/platform.ts";
import { buntime, start } from "./command.ts";
import { startGate } from "./gate.ts";
import type { Gate } from "./gate.ts";

/** A platform starts twice in each, and that takes what it takes on a machine that is busy. */
const PATIENCE_MS = 300_000;

const PROGRAM = "echo x >> log; echo begun; sleep 600; echo done";

interface Restartable {
  readonly gate: Gate;
  readonly env: Record<string, string>;
  readonly sessionId: string;
  readonly again: (signal: "SIGTERM" | "SIGKILL") => Promise<void>;
}

async function restartable(): Promise<Restartable> {
  let platform: TestPlatform = await startTestPlatform();
  onTestFinished(() => platform.stop(), PATIENCE_MS);
  const gate = await startGate();
  const { client, dataDir } = platform;
  gate.open(Number(client.url.port));
  const { id } = await client.createSession();
  return {
    gate,
    env: { BUNTIME_BASE_URL: gate.baseUrl, BUNTIME_API_KEY: client.apiKey },
    sessionId: id,
    again: async (signal) => {
      gate.close();
      await platform.end(signal);
      platform = await startTestPlatform({ dataDir });
      gate.open(Number(platform.client.url.port));
    },
  };
}

describe("a platform that is stopped in the midst and started again", () => {
  test(
    "by SIGKILL: exec tells that the outcome is unknown, and has run its command once",
    async () => {
      const { env, sessionId, again } = await restartable();
      const running = start(["exec", sessionId, "-c", PROGRAM], { env });
      running.child.stdin.end();
      await running.printed("begun\n");
      // So that what it did is there afterwards, and would show if it were done again.
      expect((await buntime(["snapshots", "create", sessionId], { env })).code).toBe(0);
      await again("SIGKILL");
      const { code, stdout, stderr } = await running.ended();
      expect({ code, stdout }).toEqual({ code: 1, stdout: "begun\n" });
      expect(stderr).toMatch(/unknown|not known/);
      expect((await buntime(["exec", sessionId, "--", "cat", "log"], { env })).stdout).toBe("x\n");
      expect((await buntime(["logs", sessionId], { env })).stdout).toMatch(/unknown.*echo x >> log/);
    },
    PATIENCE_MS,
  );

  test(
    "in order: exec ends as its program was ended, and has run it once",
    async () => {
      const { env, sessionId, again } = await restartable();
      const running = start(["exec", sessionId, "-c", PROGRAM], { env });
      running.child.stdin.end();
      await running.printed("begun\n");
      await again("SIGTERM");
      expect(await running.ended()).toMatchObject({ code: 143, stdout: "begun\n" });
      expect((await buntime(["exec", sessionId, "--", "cat", "log"], { env })).stdout).toBe("x\n");
    },
    PATIENCE_MS,
  );

  test(
    "logs --follow ends with what is kept",
    async () => {
      const { env, sessionId, again } = await restartable();
      const line = "echo begun; sleep 600";
      const executionId = (await buntime(["exec", "-d", sessionId, "-c", line], { env })).stdout.trim();
      const following = start(["logs", "-f", sessionId, executionId], { env });
      await following.printed("begun\n");
      await again("SIGTERM");
      const { stdout } = await following.ended();
      expect(stdout).toBe("begun\n");
    },
    PATIENCE_MS,
  );

  test(
    "before a command is begun: it runs once, when the platform is there again",
    async () => {
      const { env, sessionId, again, gate } = await restartable();
      gate.close();
      const running = start(["exec", sessionId, "-c", "echo x >> log; cat log; exit 4"], { env });
      running.child.stdin.end();
      await again("SIGTERM");
      expect(await running.ended()).toMatchObject({ code: 4, stdout: "x\n", stderr: "" });
    },
    PATIENCE_MS,
  );
});
