// Sessions: create, list, look at, change, copy, delete.
import * as z from "zod";
import { SESSIONS } from "../../contract/routes/sessions.ts";
import { inParallel } from "../../lib/parallel.ts";
import { ProblemError } from "../../lib/problem-error.ts";
import { autoId } from "../auto-id.ts";
import type { EraCall } from "../call.ts";
import { CreateBody, EraId, PatchBody, SessionPage } from "../contract.ts";
import { claim, createNew } from "../creation.ts";
import { eraError } from "../errors.ts";
import { AT_ONCE, DELETE_ALL_MS, FILES_LISTED } from "../limits.ts";
import { filesOf, totals } from "../listing.ts";
import { record, summary } from "../record.ts";
import { route } from "../route.ts";
import type { EraRoute } from "../route.ts";
import { changeSettings, findSession, listSessions } from "../session.ts";
import type { EraSession } from "../session.ts";
import { checkTimeout } from "../settings.ts";

const OfSession = z.object({ id: EraId });

export const SESSION_ROUTES: readonly EraRoute[] = [
  route({
    method: "POST",
    path: "/api/sessions",
    body: CreateBody,
    async answer(call, { body }) {
      checkTimeout(body.default_timeout, call.plan);
      const id = body.session_id ?? autoId(Date.now());
      const created = (await createNew(call, id, body)) ?? (await claim(call, id, body));
      return created === null
        ? eraError({ code: "conflict", message: `Session ${id} exists already. Choose another id.` }, { id })
        : Response.json(await record(call, created), { status: 201 });
    },
  }),
  route({
    method: "GET",
    path: "/api/sessions",
    query: SessionPage,
    async answer(call, { query }) {
      const { sessions, total } = await listSessions(call, query);
      const found = await inParallel(sessions, AT_ONCE, ({ id }) => existing(call, id));
      const told = found.filter((session) => session !== null).map(summary);
      return Response.json({ sessions: told, count: told.length, total });
    },
  }),
  route({
    method: "DELETE",
    path: "/api/sessions",
    async answer(call) {
      const { deleted, complete } = await deleteAll(call);
      return Response.json({
        success: complete,
        deleted_count: deleted.length,
        deleted_sessions: deleted,
        deleted_at: new Date().toISOString(),
      });
    },
  }),
  route({
    method: "GET",
    path: "/api/sessions/{id}",
    params: OfSession,
    async answer(call, { params }) {
      const session = await findSession(call, params.id);
      const [told, listing] = await Promise.all([
        record(call, session),
        filesOf(call, session.session.id, { limit: FILES_LISTED, offset: 0 }),
      ]);
      const { count, bytes } = totals(listing, 0, session.session);
      return Response.json({ ...told, file_count: count, total_size_bytes: bytes, files: listing.files });
    },
  }),
  route({
    method: "PATCH",
    path: "/api/sessions/{id}",
    params: OfSession,
    body: PatchBody,
    async answer(call, { params, body }) {
      checkTimeout(body.default_timeout, call.plan);
      const session = await findSession(call, params.id);
      const { default_timeout: defaultTimeout, allowPublicAccess, allowInternetAccess: internet, metadata } = body;
      const settings = {
        ...session.settings,
        ...(defaultTimeout === undefined ? {} : { defaultTimeout }),
        ...(allowPublicAccess === undefined ? {} : { allowPublicAccess }),
        ...(metadata === undefined ? {} : { metadata }),
      };
      const changed = await changeSettings(call, session, settings, internet === undefined ? {} : { internet });
      return Response.json({
        success: true,
        id: params.id,
        metadata: await record(call, changed),
        updated_at: new Date().toISOString(),
      });
    },
  }),
  route({
    method: "DELETE",
    path: "/api/sessions/{id}",
    params: OfSession,
    async answer(call, { params }) {
      const { session } = await findSession(call, params.id);
      await call.api.call(SESSIONS.deleteSession, { params: { id: session.id } });
      return Response.json({ success: true, id: params.id, deleted_at: new Date().toISOString() });
    },
  }),
];

/** A few at a time, until none is left or its time is up. */
async function deleteAll(call: EraCall): Promise<{ deleted: readonly string[]; complete: boolean }> {
  const until = Date.now() + DELETE_ALL_MS;
  const deleted: string[] = [];
  /** Not to be tried again, should a list have them still. */
  const tried = new Set<string>();
  let passed = 0;
  while (Date.now() < until) {
    const { sessions, others } = await listSessions(call, { limit: AT_ONCE, offset: passed });
    if (sessions.length + others === 0) {
      return { deleted, complete: true };
    }
    const left = sessions.filter(({ session }) => !tried.has(session.id));
    if (left.length === 0) {
      passed += sessions.length + others;
    }
    await inParallel(left, AT_ONCE, async ({ id, session }) => {
      tried.add(session.id);
      try {
        await call.api.call(SESSIONS.deleteSession, { params: { id: session.id } });
        deleted.push(id);
      } catch (error) {
        ignoreMissing(error);
      }
    });
  }
  return { deleted, complete: false };
}

/** Null where it is gone since it was listed. */
async function existing(call: EraCall, id: string): Promise<EraSession | null> {
  try {
    return await findSession(call, id);
  } catch (error) {
    ignoreMissing(error);
    return null;
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof ProblemError) || error.problem.code !== "session_not_found") {
    throw error;
  }
}
