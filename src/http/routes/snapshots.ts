// Snapshots: make, list, look at, delete, compare, restore; and forks, which begin with one.
import { newId } from "../../contract/ids.ts";
import { TTL_SECONDS } from "../../contract/limits.ts";
import { parsePath } from "../../lib/files/paths.ts";
import { ProblemError } from "../../lib/problem-error.ts";
import { ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import { hasInternet } from "../../session/record.ts";
import { sessionOf } from "../../session/rpc.ts";
import type { Handlers } from "../bind.ts";
import { checkTtl, within } from "../plan-limits.ts";
import { findSession } from "../session-ref.ts";
import { enterAgain } from "./sessions.ts";

export const snapshotHandlers = {
  async createSnapshot(call, { params, body }) {
    const session = await findSession(call, params.id);
    return session.ok ? session.value.snapshot(call.principal.accountId, body.label ?? null) : session;
  },

  async listSnapshots(call, { params, query }) {
    const session = await findSession(call, params.id);
    return session.ok ? session.value.snapshots(call.principal.accountId, query) : session;
  },

  async getSnapshot(call, { params }) {
    const session = await findSession(call, params.id);
    return session.ok ? session.value.getSnapshot(call.principal.accountId, params.snapshotId) : session;
  },

  async deleteSnapshot(call, { params }) {
    const session = await findSession(call, params.id);
    return session.ok ? session.value.deleteSnapshot(call.principal.accountId, params.snapshotId) : session;
  },

  async restoreSnapshot(call, { params, body }) {
    const path = body.path === undefined ? ok("") : relativePath(body.path);
    if (!path.ok) {
      return path;
    }
    const session = await findSession(call, params.id);
    return session.ok
      ? session.value.restore(call.principal.accountId, params.snapshotId, path.value === "" ? null : path.value)
      : session;
  },

  async diffSnapshot(call, { params, query: { to, limit, offset } }) {
    const session = await findSession(call, params.id);
    return session.ok
      ? session.value.diff(call.principal.accountId, params.snapshotId, { to: to ?? null, limit, offset })
      : session;
  },

  async forkSession(call, { params, body }) {
    const { env, principal, reserved } = call;
    const ttl = body.ttl ?? TTL_SECONDS.default;
    const checked = checkTtl(ttl, principal.plan);
    if (!checked.ok) {
      return checked;
    }
    const id = reserved?.sessionId ?? newId("ses");
    const fork = sessionOf(env, id);
    const created = reserved?.again === true ? await enterAgain(fork, principal.accountId) : null;
    if (created !== null) {
      return created;
    }
    const original = await findSession(call, params.id);
    if (!original.ok) {
      return original;
    }
    const source = await original.value.forkSource(principal.accountId, body.snapshotId ?? null);
    if (!source.ok) {
      return source;
    }
    const { record, snapshotId } = source.value;
    const createdAt = Date.now();
    return fork.create(
      {
        ...record,
        id,
        name: body.name ?? null,
        metadata: body.metadata ?? record.metadata,
        tags: body.tags ?? record.tags ?? [],
        description: body.description ?? record.description ?? "",
        internet: body.internet ?? hasInternet(record),
        resourceLimits: within(record.resourceLimits, principal.plan),
        createdAt,
        expiresAt: createdAt + ttl * 1000,
      },
      { from: { sessionId: record.id, snapshotId } },
    );
  },
} satisfies Partial<Handlers>;

/** As the snapshot has it; `""` is the workspace itself. */
function relativePath(path: string): Result<string> {
  try {
    return ok(parsePath(path));
  } catch (error) {
    if (error instanceof ProblemError) {
      return { ok: false, error: error.problem };
    }
    throw error;
  }
}
