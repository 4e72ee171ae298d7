import { expect, test } from "bun:test";
import { readCommandLine } from "../../../container/supervisor/process/proc-filesystem.ts";
import { firstInside } from "../../../container/supervisor/process/user-namespace.ts";
import { until } from "../../support/until.ts";

const shell = (script: string): Bun.Subprocess =>
  Bun.spawn(["/bin/sh", "-c", script], { stdio: ["ignore", "ignore", "ignore"] });

test("the first process of a program is found, however long a busy machine takes to start it", async () => {
  const starter = shell("kill -STOP $$; sleep 600; :");
  // In a process of its own: whoever looks for a first process does nothing else.
  const delay = shell(`while sleep 0.2; do kill -CONT ${starter.pid} || exit 0; done`);
  const first = firstInside(starter.pid) ?? 0;
  await until("it is that program", () => readCommandLine(first) === "sleep 600");
  process.kill(first, "SIGKILL");
  starter.kill("SIGKILL");
  await Promise.all([starter.exited, delay.exited]);
});

test("there is none of a program that could not be started", async () => {
  const starter = shell("exit 1");
  expect(firstInside(starter.pid)).toBe(null);
  await starter.exited;
});

test("a program that is not started in time is not started at all", async () => {
  const starter = shell("kill -STOP $$; sleep 600");
  expect(() => firstInside(starter.pid, 20)).toThrow("too busy");
  await starter.exited;
  expect(starter.signalCode).toBe("SIGKILL");
});
