// The objects of a repository in R2: `<repositoryId>/<sha256>`. Never changed once they are there, so two writers of one
// do no harm, and what is read can always be checked by its own name.
// Each call is bounded: a bucket that does not answer fails it with StorageUnavailable.
import type { Digest } from "../contract/manifest.ts";
import { askBucket } from "./bucket-call.ts";

/** For storing one object, which comes as a stream; its size is some MiB. */
const PUT_MS = 60_000;

export function keyOf(repositoryId: string, digest: Digest): string {
  return `${repositoryId}/${digest}`;
}

/**
 * Stores an object; R2 refuses bytes that are not those of its name. `body` must have a known length.
 * @throws StorageUnavailable
 */
export async function putObject(
  bucket: R2Bucket,
  repositoryId: string,
  object: { readonly digest: Digest; readonly body: ReadableStream | ArrayBuffer | ArrayBufferView },
): Promise<number> {
  const { digest, body } = object;
  const stored = await askBucket(() => bucket.put(keyOf(repositoryId, digest), body, { sha256: digest }), PUT_MS);
  return stored.size;
}

/** Null when it is not there. Reading it to its end is for the caller to bound. @throws StorageUnavailable */
export function getObject(bucket: R2Bucket, repositoryId: string, digest: Digest): Promise<R2ObjectBody | null> {
  return askBucket(() => bucket.get(keyOf(repositoryId, digest)));
}

/** All of a small one; null when it is not there. @throws StorageUnavailable */
export function readObject(
  bucket: R2Bucket,
  repositoryId: string,
  digest: Digest,
): Promise<Uint8Array<ArrayBuffer> | null> {
  return askBucket(async () => bytesOf(await bucket.get(keyOf(repositoryId, digest))));
}

/** `length` bytes from `offset` on; null when the object is not there. @throws StorageUnavailable */
export function getRange(
  bucket: R2Bucket,
  repositoryId: string,
  range: { readonly digest: Digest; readonly offset: number; readonly length: number },
): Promise<Uint8Array<ArrayBuffer> | null> {
  const { offset, length } = range;
  return askBucket(async () =>
    bytesOf(await bucket.get(keyOf(repositoryId, range.digest), { range: { offset, length } })),
  );
}

async function bytesOf(object: R2ObjectBody | null): Promise<Uint8Array<ArrayBuffer> | null> {
  return object === null ? null : new Uint8Array(await object.arrayBuffer());
}
