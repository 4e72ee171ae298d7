// Sessions: create, look at, change, delete.
import { accountOf } from "../../account/rpc.ts";
import { registryOf } from "../../account/registry-rpc.ts";
import { newId } from "../../contract/ids.ts";
import type { Session } from "../../contract/session.ts";
import { describe, logError } from "../../lib/log.ts";
import { ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import { sessionView } from "../../session/record.ts";
import { sessionOf } from "../../session/rpc.ts";
import type { SessionRpc } from "../../session/rpc.ts";
import type { Handlers } from "../bind.ts";
import { hasScope } from "../permission.ts";
import { checkTtl, resourceLimits } from "../plan-limits.ts";
import { findSession } from "../session-ref.ts";
import { sleepTimes } from "../sleep-times.ts";

const METADATA_FILTER = "metadata.";

export const sessionHandlers = {
  async createSession({ env, principal, reserved }, { body }) {
    const limits = resourceLimits(body.resourceLimits, principal.plan);
    if (!limits.ok) {
      return limits;
    }
    const ttl = checkTtl(body.ttl, principal.plan);
    if (!ttl.ok) {
      return ttl;
    }
    const services = body.services.length === 0 ? ok(null) : hasScope(principal, "execute", "a service");
    if (!services.ok) {
      return services;
    }
    const sleep = sleepTimes(body, env);
    if (!sleep.ok) {
      return sleep;
    }
    const id = reserved?.sessionId ?? newId("ses");
    const session = sessionOf(env, id);
    const created = reserved?.again === true ? await enterAgain(session, principal.accountId) : null;
    if (created !== null) {
      return created;
    }
    const createdAt = Date.now();
    return session.create(
      {
        id,
        accountId: principal.accountId,
        name: body.name ?? null,
        image: body.image,
        internet: body.internet,
        createdAt,
        expiresAt: createdAt + body.ttl * 1000,
        resourceLimits: limits.value,
        metadata: body.metadata,
        tags: body.tags,
        description: body.description,
        oneShot: false,
        repositoryId: id,
        idleAfterMs: sleep.value.idleAfterMs,
        deepSleepAfterMs: sleep.value.deepSleepAfterMs,
        services: body.services,
        preview: body.preview,
        budget: body.budget ?? null,
      },
      { onDemand: body.container === "on-demand" },
    );
  },

  async listSessions({ env, principal }, { query }) {
    const { limit, offset, state, tag, q, ...rest } = query;
    const filters = Object.entries(rest)
      .filter(([name]) => name.startsWith(METADATA_FILTER))
      .map(([name, value]) => [name.slice(METADATA_FILTER.length), value] as const);
    const page = await accountOf(env, principal.accountId).list({
      limit,
      offset,
      state,
      metadata: Object.fromEntries(filters),
      tags: tag ?? [],
      q: q ?? "",
    });
    return ok({
      sessions: page.sessions.map(({ record, state }) => sessionView(record, state, env)),
      total: page.total,
    });
  },

  async getSession(call, { params }) {
    const session = await findSession(call, params.id);
    return session.ok ? session.value.info(call.principal.accountId) : session;
  },

  async updateSession(call, { params, body }) {
    const ttl = checkTtl(body.ttl, call.principal.plan);
    if (!ttl.ok) {
      return ttl;
    }
    const services = (body.services ?? []).length === 0 ? ok(null) : hasScope(call.principal, "execute", "a service");
    if (!services.ok) {
      return services;
    }
    const sleep = sleepTimes(body, call.env);
    if (!sleep.ok) {
      return sleep;
    }
    const session = await findSession(call, params.id);
    return session.ok ? session.value.update(call.principal.accountId, body) : session;
  },

  async sleepSession(call, { params }) {
    const session = await findSession(call, params.id);
    return session.ok ? session.value.sleep(call.principal.accountId) : session;
  },

  async wakeSession(call, { params }) {
    const session = await findSession(call, params.id);
    return session.ok ? session.value.wake(call.principal.accountId) : session;
  },

  async deleteSession(call, { params }) {
    const session = await findSession(call, params.id);
    if (!session.ok) {
      return session;
    }
    const { accountId, keyId } = call.principal;
    const destroyed = await session.value.destroy(accountId);
    if (destroyed.ok) {
      const { sessionId } = destroyed.value;
      const event = { action: "session.deleted", accountId, actor: keyId, details: { sessionId } } as const;
      call.waitUntil(
        registryOf(call.env)
          .record(event)
          .catch((error: unknown) => logError("audit_failed", { ...event, reason: describe(error) })),
      );
    }
    return destroyed;
  },
} satisfies Partial<Handlers>;

/**
 * The session that an earlier call has created and whose answer was lost; null when it has not. That call may not have
 * got as far as to enter it under its name.
 */
export async function enterAgain(session: SessionRpc, accountId: string): Promise<Result<Session> | null> {
  const entered = await session.update(accountId, {});
  if (!entered.ok && entered.error.code === "session_not_found") {
    return null;
  }
  if (!entered.ok && entered.error.code === "conflict") {
    await session.destroy(accountId);
  }
  return entered;
}
