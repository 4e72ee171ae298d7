import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { until } from "../../support/until.ts";
import { SLOW_MS, startSupervisor } from "./harness.ts";

const MIB = 1024 * 1024;

function memory(pid: number, field: "VmHWM" | "VmRSS"): number {
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

test(
  "what an execution used says nothing about what the supervisor used before",
  async () => {
    await using supervisor = await startSupervisor();
    // A file in the request passes through the supervisor's memory.
    const files = [{ path: "large.txt", content: "x".repeat(60 * MIB) }];
    await supervisor.execute({ command: "true", files });
    const peak = memory(supervisor.pid, "VmHWM");
    expect(peak).toBeGreaterThan(120 * MIB);
    await until("the supervisor has given it back", () => memory(supervisor.pid, "VmRSS") < peak / 2);

    expect((await supervisor.execute({ command: "true" })).memoryUsed).toBeLessThan(peak);
  },
  SLOW_MS,
);

test("what an execution used counts the largest process that it started", async () => {
  await using supervisor = await startSupervisor();
  const code = 'Bun.spawnSync([process.execPath, "-e", "globalThis.kept = new Uint8Array(200e6).fill(1)"])';
  expect((await supervisor.execute({ code })).memoryUsed).toBeGreaterThan(200e6);
});
