// The image that `wrangler dev` builds at every start, under a new tag, and leaves in Docker. Its log tells the tag, so the
// image of a run that was killed is found at the next start.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/** As both builders write it. */
const TAG = /cloudflare-dev\/[\w.-]+:[\w.-]+/;

/** Removes the image of a run that has ended; another run's tag of the same image stays, and what makes a build quick. */
export async function removeBuiltImage(logFile: string): Promise<void> {
  const log = await readFile(logFile, "utf8").catch(() => "");
  const tag = TAG.exec(log)?.[0];
  if (tag === undefined) return;
  // Gone already, or the daemon: either way there is nothing left to do here.
  await promisify(execFile)("docker", ["rmi", "--no-prune", tag]).catch(() => undefined);
}
