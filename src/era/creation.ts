// How a session of ERA comes to be: by POST /api/sessions; or by a run in an id that nobody has, as ERA's documents begin. Such
// a one is completed by the first POST with its id, and keeps its variables and files.
import { SESSIONS } from "../contract/routes/sessions.ts";
import type { Session } from "../contract/session.ts";
import { describe, logError } from "../lib/log.ts";
import { ProblemError } from "../lib/problem-error.ts";
import type { EraCall } from "./call.ts";
import type { CreateBody } from "./contract.ts";
import { changeData } from "./data.ts";
import { changeSettings, createSession, findSession } from "./session.ts";
import type { EraSession } from "./session.ts";
import { IMPLICIT, settingsOf } from "./settings.ts";
import { beginSetup } from "./setup.ts";
import { OWN_DIRECTORY } from "./places.ts";
import { removeFile, writeFile } from "./workspace.ts";

const LOCK_FILE = `${OWN_DIRECTORY}/created`;

/** Null where the id is taken. */
export async function createNew(call: EraCall, id: string, body: CreateBody): Promise<EraSession | null> {
  // Told once it has begun: whoever looks earlier finds no setup, rather than one without a trace.
  const created = await unlessRefused(
    "conflict",
    createSession(call, id, { ...settingsOf(body), setup: false }, { internet: body.allowInternetAccess }),
  );
  if (created === null) {
    return null;
  }
  return orDelete(call, created.session.id, complete(call, created, body));
}

async function complete(
  call: EraCall,
  { id, session: { id: ref } }: EraSession<Session>,
  body: CreateBody,
): Promise<EraSession> {
  await fill(call, ref, body);
  const session = await findSession(call, id);
  return body.setup === undefined ? session : changeSettings(call, session, settingsOf(body));
}

/** Completes a session that a run has made. Null where another POST has, or it was made otherwise. */
export async function claim(call: EraCall, id: string, body: CreateBody): Promise<EraSession | null> {
  const session = await unlessRefused("session_not_found", findSession(call, id));
  if (session === null || !session.settings.implicit) {
    return null;
  }
  const ref = session.session.id;
  // Of two that come at the same time the second finds it there.
  if (!(await writeFile(call, ref, LOCK_FILE, { text: "", over: null }))) {
    return null;
  }
  try {
    // Before anything is begun: a change puts the session to sleep, and a setup would end with it.
    if (session.session.internet !== body.allowInternetAccess) {
      await changeSettings(call, session, session.settings, { internet: body.allowInternetAccess });
    }
    await fill(call, ref, body);
    return await changeSettings(call, session, settingsOf(body));
  } catch (error) {
    await tidy(removeFile(call, ref, LOCK_FILE));
    throw error;
  }
}

/** The session of a run, made where there is none. */
export async function findOrCreate(call: EraCall, id: string): Promise<EraSession> {
  const found = await unlessRefused("session_not_found", findSession(call, id));
  if (found !== null) {
    return found;
  }
  // Another run may make it at the same time.
  await unlessRefused("conflict", createSession(call, id, IMPLICIT));
  return findSession(call, id);
}

/** A session that could not be completed is not left behind. */
export async function orDelete<T>(call: EraCall, ref: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    await tidy(call.api.call(SESSIONS.deleteSession, { params: { id: ref } }));
    throw error;
  }
}

async function fill(call: EraCall, ref: string, { data, setup }: CreateBody): Promise<void> {
  if (Object.keys(data).length > 0) {
    await changeData(call, ref, { set: data });
  }
  if (setup !== undefined) {
    await beginSetup(call, ref, setup);
  }
}

/** Null where the API refuses with that code. */
async function unlessRefused<T>(code: ProblemError["problem"]["code"], work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ProblemError && error.problem.code === code) {
      return null;
    }
    throw error;
  }
}

/** What failed before is what is told. */
async function tidy(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    logError("era_creation_left", { reason: describe(error) });
  }
}
