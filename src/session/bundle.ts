// A whole manifest from R2, as a supervisor takes it (lib/manifest.ts). Segments that were stored side by side are read at
// once, so a snapshot that was made in one go costs two reads.
import type { Digest, Root, SegmentRef } from "../contract/manifest.ts";
import { decodeRoot, encodeBundle } from "../lib/manifest.ts";
import { sha256 } from "../lib/sha256.ts";
import { getRange, readObject } from "../storage/objects.ts";

/** An object of a snapshot is missing, or is not what its name says. */
export class DamagedObject extends Error {
  readonly digest: Digest;

  constructor(digest: Digest, what: string) {
    super(`${what}: ${digest}`);
    this.digest = digest;
  }
}

const READS_AT_ONCE = 6;

/** @throws DamagedObject, DamagedManifest */
export async function loadRoot(
  bucket: R2Bucket,
  repositoryId: string,
  digest: Digest,
): Promise<{ readonly root: Root; readonly bytes: Uint8Array }> {
  const bytes = await readObject(bucket, repositoryId, digest);
  if (bytes === null) {
    throw new DamagedObject(digest, "the root of a snapshot is missing");
  }
  if ((await sha256(bytes)).toHex() !== digest) {
    throw new DamagedObject(digest, "the root of a snapshot is not what was stored");
  }
  return { root: decodeRoot(bytes), bytes };
}

/** @throws DamagedObject, DamagedManifest. Segments are checked by who reads them. */
export async function loadBundle(bucket: R2Bucket, repositoryId: string, digest: Digest): Promise<Uint8Array> {
  const { root, bytes } = await loadRoot(bucket, repositoryId, digest);
  const runs = sideBySide(root.segments);
  const frames: Uint8Array[] = [];
  for (let at = 0; at < runs.length; at += READS_AT_ONCE) {
    const read = runs.slice(at, at + READS_AT_ONCE).map(async (run) => {
      const range = await getRange(bucket, repositoryId, { ...run, digest: run.pack });
      if (range?.length !== run.length) {
        throw new DamagedObject(run.pack, "a pack of a snapshot is missing or too short");
      }
      return range;
    });
    frames.push(...(await Promise.all(read)));
  }
  return encodeBundle(bytes, frames);
}

interface Run {
  readonly pack: Digest;
  readonly offset: number;
  length: number;
}

function sideBySide(segments: readonly SegmentRef[]): Run[] {
  const runs: Run[] = [];
  for (const { pack, offset, length } of segments) {
    const last = runs.at(-1);
    if (last !== undefined && last.pack === pack && last.offset + last.length === offset) {
      last.length += length;
    } else {
      runs.push({ pack, offset, length });
    }
  }
  return runs;
}
