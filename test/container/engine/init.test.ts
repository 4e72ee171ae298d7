// PID 1 of a container, under every shell that may be its sh.
import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTime } from "../../../container/engine/launch.ts";
import { until } from "../../support/until.ts";

const INIT = join(import.meta.dir, "../../../container/init.sh");
const text = (path: string) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};

for (const shell of ["dash", "bash"].filter((name) => Bun.which(name) !== null)) {
  describe(`init under ${shell}`, () => {
    /** The supervisor's stand-in gets `$1`: a file to write to. */
    const start = (script: string) => {
      const directory = mkdtempSync(join(tmpdir(), "buntime-init-"));
      const file = join(directory, "file");
      const init = Bun.spawn([shell, INIT, "sh", "-c", script, "supervisor", file], { stderr: "ignore" });
      return { init, written: () => text(file), clean: () => rmSync(directory, { recursive: true }) };
    };

    test("passes TERM on and ends with the supervisor", async () => {
      const { init, written, clean } = start(
        `trap 'echo term >> "$1"; exit 0' TERM; echo up >> "$1"; while :; do sleep 0.01; done`,
      );
      await until("it is up", () => written() === "up\n");
      init.kill("SIGTERM");
      expect(await init.exited).toBe(0);
      expect(written()).toBe("up\nterm\n");
      clean();
    });

    test("starts a supervisor that was killed again, in a place that user code cannot write to", async () => {
      const { init, written, clean } = start(`echo "$$ $(pwd)" >> "$1"; exec sleep 1000`);
      await until("it is up", () => written().split("\n").length === 2);
      process.kill(Number.parseInt(written(), 10), "SIGKILL");
      await until("it is up again", () => written().split("\n").length === 3);
      expect(written()).toMatch(/^\d+ \/\n\d+ \/\n$/);
      expect(init.exitCode).toBeNull();
      init.kill("SIGTERM");
      await init.exited;
      clean();
    });

    test("gives up on a supervisor that dies again and again, with its exit status", async () => {
      const { init, written, clean } = start(`echo up >> "$1"; exit 42`);
      expect(await init.exited).toBe(42);
      expect(written()).toBe("up\n".repeat(6));
      clean();
    });

    test("ends when the supervisor ends in order", async () => {
      const { init, written, clean } = start(`echo up >> "$1"; exit 0`);
      expect(await init.exited).toBe(0);
      expect(written()).toBe("up\n");
      clean();
    });

    test("reaps orphans", async () => {
      const directory = mkdtempSync(join(tmpdir(), "buntime-init-"));
      const script = `(sleep 0.01 &) ; (sleep 0.02 &) ; sleep 0.3; ps -A -o stat= > "$1"; exit 0`;
      const ownPids = ["unshare", "--user", "--map-root-user", "--pid", "--mount-proc", "--fork", "--kill-child"];
      const init = Bun.spawn([...ownPids, shell, INIT, "sh", "-c", script, "supervisor", join(directory, "file")]);
      expect(await init.exited).toBe(0);
      expect(text(join(directory, "file"))).not.toContain("Z");
      expect(startTime(init.pid)).toBeNull();
      rmSync(directory, { recursive: true });
    });
  });
}
