// Removes what a session holds outside of its own storage. Idempotent, since an alarm repeats it until all of it worked.
import type { Env } from "../env.ts";
import { accountOf } from "../account/rpc.ts";
import { within } from "../lib/within.ts";
import { forgetName } from "../storage/directory.ts";
import { repositoryOf } from "../storage/rpc.ts";
import type { SessionRecord } from "./record.ts";
import type { Runtime } from "./runtime.ts";

/** For each part of it. */
const REMOVAL_MS = 20_000;

/** `report`: tells the account what the session has used in the end. */
export async function removeOutside(
  record: SessionRecord,
  runtime: Runtime,
  env: Env,
  report: () => Promise<void>,
): Promise<void> {
  // First: nothing is saved any more once it is gone.
  await within(runtime.destroy(), REMOVAL_MS);
  const outcomes = await Promise.allSettled<unknown>(
    [
      report(),
      record.name === null ? Promise.resolve() : forgetName(env.DIRECTORY, record.accountId, record.name),
      record.oneShot ? Promise.resolve() : repositoryOf(env, record.repositoryId).removeSession(record.id),
      accountOf(env, record.accountId).release(record.id),
    ].map((removal) => within(removal, REMOVAL_MS)),
  );
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  if (failure !== undefined) {
    throw failure.reason;
  }
}
