// The objects of a repository in R2: `<repositoryId>/<sha256>`. Never changed once they are there, so two writers of one
// do no harm, and what is read can always be checked by its own name.
import type { Digest } from "../contract/manifest.ts";

export function keyOf(repositoryId: string, digest: Digest): string {
  return `${repositoryId}/${digest}`;
}

/** Stores an object; R2 refuses bytes that are not those of its name. `body` must have a known length. */
export async function putObject(
  bucket: R2Bucket,
  repositoryId: string,
  object: { readonly digest: Digest; readonly body: ReadableStream | ArrayBuffer | ArrayBufferView },
): Promise<number> {
  const stored = await bucket.put(keyOf(repositoryId, object.digest), object.body, { sha256: object.digest });
  return stored.size;
}

/** Null when it is not there. */
export function getObject(bucket: R2Bucket, repositoryId: string, digest: Digest): Promise<R2ObjectBody | null> {
  return bucket.get(keyOf(repositoryId, digest));
}

/** `length` bytes from `offset` on; null when the object is not there. */
export async function getRange(
  bucket: R2Bucket,
  repositoryId: string,
  range: { readonly digest: Digest; readonly offset: number; readonly length: number },
): Promise<Uint8Array<ArrayBuffer> | null> {
  const { offset, length } = range;
  const object = await bucket.get(keyOf(repositoryId, range.digest), { range: { offset, length } });
  return object === null ? null : new Uint8Array(await object.arrayBuffer());
}
