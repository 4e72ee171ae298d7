// Snapshots and forks.
import { SNAPSHOTS } from "../../contract/routes/snapshots.ts";
import { Session } from "../../contract/session.ts";
import {
  CreateSnapshot,
  ForkRequest,
  RestoreAnswer,
  RestoreRequest,
  Snapshot,
  SnapshotId,
  SnapshotList,
  SnapshotQuery,
} from "../../contract/snapshot.ts";
import { intInput } from "../paging.ts";
import { plural } from "../text.ts";
import { tool } from "../tool.ts";
import type { Tool } from "../tool.ts";

const Fork = Session.pick({ id: true, name: true, state: true, createdAt: true, expiresAt: true, previewUrl: true });
const adding = { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false };

export const snapshotTools: readonly Tool[] = [
  tool({
    name: "snapshot",
    title: "Take a snapshot",
    description: "Save all files of the workspace as they are now, to restore or fork them later.",
    input: CreateSnapshot.shape,
    output: Snapshot.shape,
    annotations: adding,
    async run({ api, ref }, body) {
      const snapshot = await api.call(SNAPSHOTS.createSnapshot, { params: { id: ref }, body });
      return { text: `Saved as ${line(snapshot)}`, data: snapshot };
    },
  }),
  tool({
    name: "list_snapshots",
    title: "List snapshots",
    description: "List the session's snapshots, newest first.",
    input: { limit: intInput(SnapshotQuery.shape.limit), offset: intInput(SnapshotQuery.shape.offset) },
    output: SnapshotList.shape,
    annotations: { readOnlyHint: true, openWorldHint: false },
    async run({ api, ref }, { limit, offset }) {
      const query = { limit: `${limit}`, offset: `${offset}` };
      const list = await api.call(SNAPSHOTS.listSnapshots, { params: { id: ref }, query });
      return { text: list.snapshots.map(line).join("\n") || "There are no snapshots.", data: list };
    },
  }),
  tool({
    name: "restore",
    title: "Restore a snapshot",
    description:
      "Put the workspace, or one path of it, back as it was in a snapshot. Running processes end. What is there now is " +
      "saved before, so this can be undone.",
    input: { snapshotId: SnapshotId, ...RestoreRequest.shape },
    output: RestoreAnswer.shape,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    async run({ api, ref }, { snapshotId, ...body }) {
      const answer = await api.call(SNAPSHOTS.restoreSnapshot, { params: { id: ref, snapshotId }, body });
      const what = answer.path ?? "The workspace";
      return {
        text: `${what} is as in ${snapshotId} again. To undo this, restore ${answer.previousSnapshotId}.`,
        data: answer,
      };
    },
  }),
  tool({
    name: "fork",
    title: "Fork the session",
    description:
      "Make another session that begins with the files of this one, to try something without touching it. Use the fork " +
      "by giving its id as `session`.",
    input: ForkRequest.shape,
    output: { fork: Fork },
    annotations: adding,
    async run({ api, ref }, body) {
      const fork = Fork.parse(await api.call(SNAPSHOTS.forkSession, { params: { id: ref }, body }));
      return { text: `The fork is ${fork.id}. Give that as \`session\` to use it.`, data: { fork } };
    },
  }),
];

function line({ snapshotId, label, reason, createdAt, files, sizeBytes }: Snapshot): string {
  return `${snapshotId} (${label ?? reason}): ${createdAt}, ${plural(files, "file")}, ${plural(sizeBytes, "byte")}`;
}
