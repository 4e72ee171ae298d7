// The hourly sweep of the whole bucket, for the Worker's `scheduled`. Repositories sweep themselves when they know that
// an upload was given up; this one finds what is left of repositories that are gone, such as an object that was put
// while its session was removed. Every repository in the bucket is asked in turn, a bounded number per run.
import type { Env } from "../env.ts";
import { describe, logError } from "../lib/log.ts";
import { inParallel } from "../lib/parallel.ts";
import { askBucket } from "./bucket-call.ts";
import { keyOf } from "./objects.ts";
import { repositoryOf } from "./rpc.ts";

/** Well below the 1000 calls that one run of a Worker may make. */
const REPOSITORIES_PER_RUN = 400;
const ASKED_AT_A_TIME = 8;
/** A repository that takes longer goes on by itself. */
const ASK_MS = 30_000;
/** The repository that the last run ended with, in KV. Lost or stale, it costs a round. */
const CURSOR = "sweep/after";

export async function sweep(env: Env): Promise<void> {
  const after = await env.DIRECTORY.get(CURSOR);
  const page = await askBucket(() =>
    env.SNAPSHOTS.list({
      delimiter: "/",
      limit: REPOSITORIES_PER_RUN,
      // Behind each of its objects, whose names are hexadecimal.
      ...(after === null ? {} : { startAfter: keyOf(after, "~") }),
    }),
  );
  const repositories = page.delimitedPrefixes.map((prefix) => prefix.slice(0, -1));
  await inParallel(repositories, ASKED_AT_A_TIME, async (repositoryId) => {
    try {
      await askBucket(() => repositoryOf(env, repositoryId).sweep(), ASK_MS);
    } catch (error) {
      logError("sweep_failed", { repositoryId, reason: describe(error) });
    }
  });
  const last = repositories.at(-1);
  if (page.truncated && last !== undefined) {
    await env.DIRECTORY.put(CURSOR, last);
  } else {
    await env.DIRECTORY.delete(CURSOR);
  }
}
