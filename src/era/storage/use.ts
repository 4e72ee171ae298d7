// What the routes of the storage have in common.
import { describe, logError } from "../../lib/log.ts";
import { ProblemError } from "../../lib/problem-error.ts";
import { within } from "../../lib/within.ts";
import type { EraCall } from "../call.ts";
import { CALL_MS } from "../../data/limits.ts";
import type { StorageRpc } from "../../data/storage.ts";

/** @throws ProblemError `forbidden` where the caller may not, `storage_unavailable` where no answer comes */
export async function useStorage<T>(
  { access, requestId }: EraCall,
  work: (storage: StorageRpc) => Promise<T>,
): Promise<T> {
  if (access === null) {
    throw new ProblemError(
      "forbidden",
      "This key may not use the account's storage. Use one that has the scope storage and is bound to no session.",
      { scope: "storage" },
    );
  }
  try {
    return await within(work(access.storage), CALL_MS);
  } catch (error) {
    logError("account_storage_failed", { requestId, reason: describe(error) });
    throw new ProblemError(
      "storage_unavailable",
      "The account's storage does not answer. Whether it has done what was asked is not known. Try again in a moment.",
    );
  }
}

/** @throws ProblemError `payload_too_large` */
export function checkSize(what: string, bytes: number, limitBytes: number): void {
  if (bytes > limitBytes) {
    throw new ProblemError("payload_too_large", `${what} may have ${limitBytes} bytes; this one has ${bytes}.`, {
      limitBytes,
    });
  }
}

export function missing(what: string): ProblemError {
  return new ProblemError("not_found", `There is no ${what}. List what is there.`);
}
