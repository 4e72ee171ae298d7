// Restoring as the session does it: the bundle, the packs that are asked for, the end.
import type { RestoreDone, RestorePlan } from "../../../src/contract/supervisor.ts";
import { refusalOf, type Refusal, type TestSupervisor } from "../process/harness.ts";
import type { Archive } from "./restore-archive.ts";

export function beginRestore(supervisor: TestSupervisor, archive: Archive, path?: string): Promise<Response> {
  const query = path === undefined ? "" : `?${new URLSearchParams({ path }).toString()}`;
  return supervisor.fetch(`/restore${query}`, { method: "POST", body: archive.bundle });
}

export function putPack(supervisor: TestSupervisor, pack: string, bytes: Uint8Array<ArrayBuffer>): Promise<Response> {
  return supervisor.fetch(`/restore/${pack}`, { method: "PUT", body: bytes });
}

/** All packs at once, then the end. Throws where something is refused. */
export async function restore(supervisor: TestSupervisor, archive: Archive, path?: string): Promise<RestoreDone> {
  const begun = await beginRestore(supervisor, archive, path);
  if (!begun.ok) throw new Error(`not begun: ${await begun.text()}`);
  // SAFETY: the contract's answer.
  const { packs } = (await begun.json()) as RestorePlan;
  await Promise.all(packs.map((pack) => putOwn(supervisor, archive, pack)));
  return await supervisor.json("/restore/finish", { method: "POST" });
}

/** What the restore was refused with, at whichever step. */
export async function refusedRestore(supervisor: TestSupervisor, archive: Archive, path?: string): Promise<Refusal> {
  const begun = await beginRestore(supervisor, archive, path);
  if (!begun.ok) return refusalOf(begun);
  // SAFETY: the contract's answer.
  const { packs } = (await begun.json()) as RestorePlan;
  for (const pack of packs) {
    const put = await putPack(supervisor, pack, bytesOf(archive, pack));
    if (!put.ok) return refusalOf(put);
  }
  return refusalOf(await supervisor.fetch("/restore/finish", { method: "POST" }));
}

export function bytesOf(archive: Archive, pack: string): Uint8Array<ArrayBuffer> {
  const bytes = archive.packs.get(pack);
  if (bytes === undefined) throw new Error(`the archive has no pack ${pack}`);
  return bytes;
}

async function putOwn(supervisor: TestSupervisor, archive: Archive, pack: string): Promise<void> {
  const response = await putPack(supervisor, pack, bytesOf(archive, pack));
  if (!response.ok) throw new Error(`not put: ${await response.text()}`);
}
