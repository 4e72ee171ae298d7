// The workspace as .tar.gz, made by tar under the user's uid while it is being sent.
import type { Config } from "../config.ts";
import { spawnIdentity } from "../linux/credentials.ts";
import { OWN_DIRECTORY, RESTORE_TREE } from "../../../src/lib/files/paths.ts";

const COMMAND = [
  "tar",
  "--create",
  "--file=-",
  // The network is faster than gzip's default.
  "--use-compress-program=gzip -1",
  "--format=gnu",
  "--numeric-owner",
  "--sort=name",
  // Files come and go while they are packed; one that is closed to the user is left out.
  "--ignore-failed-read",
  "--warning=no-file-changed",
  "--anchored",
  "--no-wildcards",
  `--exclude=./${OWN_DIRECTORY}`,
  "--wildcards",
  `--exclude=./${RESTORE_TREE}*`,
  "--no-anchored",
  "--exclude=.exe_????????????????????.*",
  `--exclude=.put_${"?".repeat(32)}`,
  ".",
];
/** 1: a file changed while it was read, which is in the nature of a living workspace. */
const FAILED = 2;

export function pack(config: Config): Response {
  const child = Bun.spawn(COMMAND, {
    ...spawnIdentity(config.user),
    cwd: config.workspace,
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C.UTF-8" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  const reader = child.stdout.getReader();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        // The head is sent: only a broken body can still say that the archive is not whole.
        if ((await child.exited) >= FAILED) return controller.error(new Error("tar could not pack the workspace"));
        controller.close();
      },
      cancel() {
        // Its gzip ends with the pipe between them.
        child.kill("SIGKILL");
        return reader.cancel();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, {
    headers: { "content-type": "application/gzip", "content-disposition": 'attachment; filename="workspace.tar.gz"' },
  });
}
