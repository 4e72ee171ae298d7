// How the tests of repositories make snapshots: objects of real bytes in the real bucket, named by their SHA-256.
import { env, runInDurableObject } from "cloudflare:test";
import { expect } from "vitest";
import type { ErrorCode } from "../../src/contract/errors.ts";
import { newId } from "../../src/contract/ids.ts";
import type { Result } from "../../src/lib/result.ts";
import { putObject } from "../../src/storage/objects.ts";
import type { RepositoryRpc, SnapshotRecord, StoredObject } from "../../src/storage/rpc.ts";

export const stubOf = (repositoryId: string): DurableObjectStub => env.REPOSITORY.getByName(repositoryId);

/** An object whose bytes are this text. */
export async function objectOf(text: string): Promise<StoredObject & { readonly bytes: Uint8Array<ArrayBuffer> }> {
  const bytes = new Uint8Array(new TextEncoder().encode(text));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const digest = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { digest, sizeBytes: bytes.length, bytes };
}

export async function put(repositoryId: string, text: string): Promise<StoredObject> {
  const { bytes, ...object } = await objectOf(text);
  await putObject(env.SNAPSHOTS, repositoryId, { digest: object.digest, body: bytes });
  return object;
}

export function record(
  sessionId: string,
  root: StoredObject,
  changes: Partial<Pick<SnapshotRecord, "id" | "label" | "createdAt">> = {},
): SnapshotRecord {
  return {
    id: newId("snp"),
    sessionId,
    label: null,
    reason: "save",
    createdAt: Date.now(),
    root: root.digest,
    treeHash: root.digest,
    files: 1,
    sizeBytes: 1,
    skipped: [{ path: "socket", reason: "a socket" }],
    skippedCount: 1,
    ...changes,
  };
}

/** Uploads these texts, the first as the root, and commits. Gives the snapshot's id. */
export async function save(
  repository: RepositoryRpc,
  repositoryId: string,
  sessionId: string,
  texts: readonly [string, ...string[]],
  label: string | null = null,
): Promise<string> {
  await repository.begin(sessionId);
  const objects = await Promise.all(texts.map((text) => put(repositoryId, text)));
  const [root] = objects;
  if (root === undefined) {
    throw new Error("a snapshot has a root");
  }
  return valueOf(await repository.commit(record(sessionId, root, { label }), objects)).id;
}

export function valueOf<T>(result: Result<T>): T {
  if (!result.ok) {
    throw new Error(`${result.error.code}: ${result.error.message}`);
  }
  return result.value;
}

export function expectFailure(result: Result<unknown>, code: ErrorCode): Readonly<Record<string, unknown>> {
  expect(result).toMatchObject({ ok: false, error: { code } });
  return result.ok ? {} : (result.error.details ?? {});
}

/** What of a repository is in the bucket. */
export async function bucketKeys(repositoryId: string): Promise<string[]> {
  const { objects } = await env.SNAPSHOTS.list({ prefix: `${repositoryId}/` });
  return objects.map((object) => object.key.slice(repositoryId.length + 1));
}

/** What a repository's object still stores. */
export function stored(repositoryId: string): Promise<{ tables: number; alarm: number | null }> {
  return runInDurableObject(stubOf(repositoryId), async (_object, { storage }) => ({
    tables: storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name NOT LIKE '_cf_%'").toArray().length,
    alarm: await storage.getAlarm(),
  }));
}

export async function expectNothing(repositoryId: string): Promise<void> {
  expect(await bucketKeys(repositoryId)).toEqual([]);
  expect(await stored(repositoryId)).toEqual({ tables: 0, alarm: null });
}
