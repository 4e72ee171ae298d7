// Looks at objects in the bucket: whether they are there, and whether their bytes are those of their names. Nothing is
// buffered: bytes go straight into a native digest.
import { inParallel } from "../lib/parallel.ts";
import { askBucket, StorageUnavailable } from "./bucket-call.ts";
import { getObject, keyOf } from "./objects.ts";
import type { StoredObject } from "./rpc.ts";

const HEADS_AT_A_TIME = 16;
/** For reading one object, whose size is some MiB, to its end. */
const READ_MS = 60_000;

/**
 * Those that are not there, or are of another size.
 * @throws StorageUnavailable
 */
export async function findAbsent(
  bucket: R2Bucket,
  repositoryId: string,
  objects: readonly StoredObject[],
): Promise<StoredObject[]> {
  const there = await inParallel(objects, HEADS_AT_A_TIME, async ({ digest, sizeBytes }) => {
    const head = await askBucket(() => bucket.head(keyOf(repositoryId, digest)));
    return head?.size === sizeBytes;
  });
  return objects.filter((_object, index) => there[index] !== true);
}

/**
 * Reads an object to its end: null where it is what its name says, else what is wrong with it.
 * @throws StorageUnavailable
 */
export async function readBack(bucket: R2Bucket, repositoryId: string, object: StoredObject): Promise<string | null> {
  const { digest, sizeBytes } = object;
  const stored = await getObject(bucket, repositoryId, digest);
  if (stored === null) {
    return `Object ${digest} is missing.`;
  }
  if (stored.size !== sizeBytes) {
    await stored.body.cancel();
    return `Object ${digest} has ${stored.size} bytes and should have ${sizeBytes}.`;
  }
  const hash = new crypto.DigestStream("SHA-256");
  // Rejects with the stream when that fails, where nobody waits for it any more.
  hash.digest.catch(() => {});
  // Not by a signal: workerd looks at it only between two pieces, of which the next may never come.
  await askBucket(() => stored.body.pipeTo(hash), READ_MS);
  if (Number(hash.bytesWritten) !== sizeBytes) {
    throw new StorageUnavailable(`reading object ${digest} ended after ${hash.bytesWritten} of ${sizeBytes} bytes`);
  }
  return toHex(await hash.digest) === digest ? null : `Object ${digest} holds other bytes than were stored.`;
}

function toHex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
