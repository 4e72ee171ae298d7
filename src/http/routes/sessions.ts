// Sessions: create, look at, change, delete.
import { accountOf } from "../../account/rpc.ts";
import { newId } from "../../contract/ids.ts";
import { DEFAULT_RESOURCES } from "../../contract/limits.ts";
import type { Plan } from "../../contract/limits.ts";
import type { CreateSession, ResourceLimits, Session } from "../../contract/session.ts";
import { fail, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import { sessionView } from "../../session/record.ts";
import { sessionOf } from "../../session/rpc.ts";
import type { SessionRpc } from "../../session/rpc.ts";
import type { Handlers } from "../bind.ts";
import { findSession } from "../session-ref.ts";
import { sleepTimes } from "../sleep-times.ts";

const METADATA_FILTER = "metadata.";

export const sessionHandlers = {
  async createSession({ env, principal, reserved }, { body }) {
    const limits = resourceLimits(body.resourceLimits, principal.plan);
    if (!limits.ok) {
      return limits;
    }
    if (body.ttl > principal.plan.ttlMaxSeconds) {
      return fail("invalid_request", `\`ttl\` is above your plan's limit of ${principal.plan.ttlMaxSeconds} s.`);
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
    return session.create({
      id,
      accountId: principal.accountId,
      name: body.name ?? null,
      image: body.image,
      createdAt,
      expiresAt: createdAt + body.ttl * 1000,
      resourceLimits: limits.value,
      metadata: body.metadata,
      oneShot: false,
      repositoryId: id,
      idleAfterMs: sleep.value.idleAfterMs,
      deepSleepAfterMs: sleep.value.deepSleepAfterMs,
      services: body.services,
    });
  },

  async listSessions({ env, principal }, { query }) {
    const { limit, offset, state, ...rest } = query;
    const filters = Object.entries(rest)
      .filter(([name]) => name.startsWith(METADATA_FILTER))
      .map(([name, value]) => [name.slice(METADATA_FILTER.length), value] as const);
    const page = await accountOf(env, principal.accountId).list({
      limit,
      offset,
      state,
      metadata: Object.fromEntries(filters),
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
    const sleep = sleepTimes(body, call.env);
    if (!sleep.ok) {
      return sleep;
    }
    const session = await findSession(call, params.id);
    return session.ok ? session.value.update(call.principal.accountId, body) : session;
  },

  async deleteSession(call, { params }) {
    const session = await findSession(call, params.id);
    return session.ok ? session.value.destroy(call.principal.accountId) : session;
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

/** What was asked for, completed by the defaults and held against the plan. */
function resourceLimits(asked: CreateSession["resourceLimits"], plan: Plan): Result<ResourceLimits> {
  const limits: ResourceLimits = {
    memory: asked.memory ?? DEFAULT_RESOURCES.memory,
    cpu: asked.cpu ?? DEFAULT_RESOURCES.cpu,
    timeout: asked.timeout ?? DEFAULT_RESOURCES.timeout,
    disk: DEFAULT_RESOURCES.disk,
  };
  const most = { memory: plan.memoryMb, cpu: plan.cpu, timeout: plan.timeoutSeconds.max } as const;
  for (const name of ["memory", "cpu", "timeout"] as const) {
    if (limits[name] > most[name]) {
      return fail("forbidden", `\`resourceLimits.${name}\` is above your plan's limit of ${most[name]}.`, {
        limit: name,
        max: most[name],
      });
    }
  }
  return ok(limits);
}
