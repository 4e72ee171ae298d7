import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { startSupervisor } from "./harness.ts";

const MIB = 1024 * 1024;

function peakBytes(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) * 1024;
}

test("what an execution used says nothing about what the supervisor used before", async () => {
  await using supervisor = await startSupervisor();
  // A file in the request passes through the supervisor's memory.
  const files = [{ path: "large.txt", content: "x".repeat(60 * MIB) }];
  await supervisor.execute({ command: "true", files });
  const peak = peakBytes(supervisor.pid);
  expect(peak).toBeGreaterThan(120 * MIB);

  const answer = await supervisor.execute({ command: "true" });
  expect(answer.memoryUsed).toBeLessThan(peak);
});

test("what an execution used counts the largest process that it started", async () => {
  await using supervisor = await startSupervisor();
  const code = 'Bun.spawnSync([process.execPath, "-e", "globalThis.kept = new Uint8Array(200e6).fill(1)"])';
  expect((await supervisor.execute({ code })).memoryUsed).toBeGreaterThan(200e6);
});
