// Every call to the bucket is bounded, and its failure has one class: what failed for want of R2 is tried again later and
// never taken for damage.
import { fail } from "../lib/result.ts";
import { describe } from "../lib/log.ts";
import { within } from "../lib/within.ts";

/** For one call; reading an object to its end is bounded by itself. */
const CALL_MS = 20_000;

export class StorageUnavailable extends Error {}

/** @throws StorageUnavailable */
export async function askBucket<T>(call: () => Promise<T>, timeoutMs = CALL_MS): Promise<T> {
  try {
    return await within(call(), timeoutMs);
  } catch (error) {
    throw new StorageUnavailable(describe(error));
  }
}

/** What who waits is told instead; anything else is a bug and is thrown on. */
export function unavailable(thrown: unknown): ReturnType<typeof fail> {
  if (thrown instanceof StorageUnavailable) {
    return fail("storage_unavailable", "The storage of snapshots does not answer. Try again in a moment.", {
      reason: thrown.message,
    });
  }
  throw thrown;
}
