// PUT of raw bytes, streamed: what has arrived waits in memory only until the disk has taken it.
import type { BigIntStats } from "node:fs";
import { SupervisorError } from "../problem.ts";
import { evaluate, validatorsOf } from "../../../src/lib/files/conditions.ts";
import { statsEntry, versionOf } from "./entry.ts";
import type { DiskLedger } from "./disk.ts";
import { Draft, targetOf } from "./draft.ts";
import { invalid } from "../../../src/lib/files/paths.ts";
import type { Workspace } from "./workspace.ts";

/** How much may be written between two looks at the disk's limit. */
const LOOK_BYTES = 8 * 1024 * 1024;

export async function upload(
  workspace: Workspace,
  disk: DiskLedger,
  relative: string,
  request: Request,
): Promise<Response> {
  const declared = request.headers.get("content-length");
  const target = targetOf(workspace, relative);
  const guard = (existing: BigIntStats | null): void => {
    if (evaluate("PUT", request.headers, existing === null ? null : validatorsOf(versionOf(existing))) === "proceed")
      return;
    throw new SupervisorError("precondition_failed", `${relative} is not in the state that the request asks for`);
  };
  using draft = new Draft(workspace, target);
  guard(target.existing);
  await disk.reserve(Number(declared ?? 0));
  let looked = 0;
  for await (const chunk of request.body ?? []) {
    await draft.write(chunk);
    if (draft.size - looked < LOOK_BYTES) continue;
    looked = draft.size;
    await disk.reserve(LOOK_BYTES);
  }
  if (declared !== null && draft.size !== Number(declared)) {
    throw invalid(`The body has ${draft.size} bytes, content-length says ${declared}`);
  }
  const stats = await draft.publish({ guard });
  return Response.json(statsEntry(relative, stats), {
    status: target.existing === null ? 201 : 200,
    headers: { etag: validatorsOf(versionOf(stats)).etag },
  });
}
