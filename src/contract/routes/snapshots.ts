// Snapshots and forks.
import * as z from "zod";
import { InContainer, OfSession, route } from "../route.ts";
import { Session, SessionRef } from "../session.ts";
import {
  CreateSnapshot,
  DiffQuery,
  ForkRequest,
  RestoreAnswer,
  RestoreRequest,
  Snapshot,
  SnapshotDeleted,
  SnapshotDiff,
  SnapshotId,
  SnapshotList,
  SnapshotQuery,
} from "../snapshot.ts";

const OfSnapshot = z.object({ id: SessionRef, snapshotId: SnapshotId });

export const SNAPSHOTS = {
  createSnapshot: route({
    method: "post",
    path: "/sessions/{id}/snapshots",
    tag: "Snapshots",
    summary: "Save the workspace as it is now. A sleeping session is not woken",
    params: OfSession,
    body: CreateSnapshot,
    idempotent: true,
    answers: { 201: { json: Snapshot } },
    errors: [...InContainer, "snapshot_not_found", "conflict", "payload_too_large", "storage_unavailable"],
  }),
  listSnapshots: route({
    method: "get",
    path: "/sessions/{id}/snapshots",
    tag: "Snapshots",
    summary: "List snapshots, newest first",
    params: OfSession,
    query: SnapshotQuery,
    answers: { 200: { json: SnapshotList } },
    errors: ["session_not_found"],
  }),
  getSnapshot: route({
    method: "get",
    path: "/sessions/{id}/snapshots/{snapshotId}",
    tag: "Snapshots",
    summary: "Get a snapshot",
    params: OfSnapshot,
    answers: { 200: { json: Snapshot } },
    errors: ["session_not_found", "snapshot_not_found"],
  }),
  deleteSnapshot: route({
    method: "delete",
    path: "/sessions/{id}/snapshots/{snapshotId}",
    tag: "Snapshots",
    summary: "Delete a snapshot. What others share with it stays",
    params: OfSnapshot,
    answers: { 200: { json: SnapshotDeleted } },
    errors: ["session_not_found", "snapshot_not_found", "conflict", "storage_unavailable"],
  }),
  restoreSnapshot: route({
    method: "post",
    path: "/sessions/{id}/snapshots/{snapshotId}/restore",
    tag: "Snapshots",
    summary: "Put the workspace, or one path of it, back as it was. A snapshot is taken first, so it can be undone",
    params: OfSnapshot,
    body: RestoreRequest,
    answers: { 200: { json: RestoreAnswer } },
    errors: [
      ...InContainer,
      "snapshot_not_found",
      "file_not_found",
      "conflict",
      "payload_too_large",
      "storage_unavailable",
    ],
  }),
  diffSnapshot: route({
    method: "get",
    path: "/sessions/{id}/snapshots/{snapshotId}/diff",
    tag: "Snapshots",
    summary: "What was added, removed or changed between two snapshots",
    params: OfSnapshot,
    query: DiffQuery,
    answers: { 200: { json: SnapshotDiff } },
    errors: ["session_not_found", "snapshot_not_found", "conflict", "storage_unavailable"],
  }),
  forkSession: route({
    method: "post",
    path: "/sessions/{id}/fork",
    tag: "Snapshots",
    summary:
      "Create a session that begins with the files of this one. Nothing is copied, and neither depends on the other",
    params: OfSession,
    body: ForkRequest,
    idempotent: true,
    answers: { 201: { json: Session } },
    errors: [...InContainer, "snapshot_not_found", "conflict", "payload_too_large", "storage_unavailable"],
  }),
} as const;
