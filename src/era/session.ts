// A session of ERA: one of the API's that is named by its id and has ERA's settings. Those without are somebody else's
// business and not seen here.
import { SESSIONS } from "../contract/routes/sessions.ts";
import type { Session, SessionInfo } from "../contract/session.ts";
import { ProblemError } from "../lib/problem-error.ts";
import type { EraCall } from "./call.ts";
import { Settings, SETTINGS_KEY, TAG } from "./contract.ts";
import { TTL_EXTENDED_MS } from "./limits.ts";

export interface EraSession<S extends Session = SessionInfo> {
  readonly id: string;
  readonly session: S;
  readonly settings: Settings;
}

/** What the session itself keeps of ERA's settings. */
interface Access {
  readonly internet?: boolean;
}

/** Null where a session has no settings of ERA's, or has lost its name. */
function eraSession<S extends Session>(session: S): EraSession<S> | null {
  const settings = Settings.safeParse(session.metadata[SETTINGS_KEY]);
  return settings.success && session.name !== null ? { id: session.name, session, settings: settings.data } : null;
}

/** @throws ProblemError `session_not_found` */
export async function findSession({ api }: EraCall, id: string): Promise<EraSession> {
  const found = eraSession(await api.call(SESSIONS.getSession, { params: { id } }));
  if (found === null) {
    throw new ProblemError(
      "session_not_found",
      `Session ${id} was not made by ERA's API, and is not to be used by it. Create one with another id.`,
    );
  }
  return found;
}

/** @throws ProblemError `conflict` where a session has that id as its name already */
export async function createSession(
  { api, plan }: EraCall,
  id: string,
  settings: Settings,
  { internet = true }: Access = {},
): Promise<EraSession<Session>> {
  const session = await api.call(SESSIONS.createSession, {
    body: {
      name: id,
      ttl: plan.ttlMaxSeconds,
      image: "polyglot",
      tags: [TAG],
      preview: previewOf(settings),
      internet,
      metadata: { [SETTINGS_KEY]: settings },
    },
  });
  return { id, session, settings };
}

/** Newest first. `others` are those of the page that have the tag and are none of ERA's; `total` counts them, too. */
export async function listSessions(
  { api }: EraCall,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<{ sessions: EraSession<Session>[]; others: number; total: number }> {
  const query = { tag: TAG, limit: `${limit}`, offset: `${offset}` };
  const page = await api.call(SESSIONS.listSessions, { query });
  const sessions = page.sessions.map(eraSession).filter((session) => session !== null);
  return { sessions, others: page.sessions.length - sessions.length, total: page.total };
}

export async function changeSettings(
  { api }: EraCall,
  { session }: EraSession,
  settings: Settings,
  access: Access = {},
): Promise<EraSession> {
  const metadata = { ...session.metadata, [SETTINGS_KEY]: settings };
  const body = { metadata, preview: previewOf(settings), ...access };
  const changed = await api.call(SESSIONS.updateSession, { params: { id: session.id }, body });
  return { id: changed.name ?? session.id, session: { ...session, ...changed }, settings };
}

/** ERA's sessions live until they are deleted; here they live as long as the plan allows, counted from their last use. */
export async function keepAlive({ api, plan }: EraCall, { session }: EraSession): Promise<void> {
  const left = Date.parse(session.expiresAt) - Date.now();
  if (left > plan.ttlMaxSeconds * 1000 - TTL_EXTENDED_MS) {
    return;
  }
  try {
    await api.call(SESSIONS.updateSession, { params: { id: session.id }, body: { ttl: plan.ttlMaxSeconds } });
  } catch (error) {
    // A key that may run code need not be one that may change sessions; and one that is gone is told by the run.
    if (!(error instanceof ProblemError)) {
      throw error;
    }
  }
}

function previewOf({ allowPublicAccess }: Settings): Session["preview"] {
  return allowPublicAccess ? "public" : "private";
}

/** @throws ProblemError `forbidden` */
export function checkPublic({ id, settings }: EraSession): void {
  if (!settings.allowPublicAccess) {
    throw new ProblemError(
      "forbidden",
      `Session ${id} allows no public access. PATCH it with \`allowPublicAccess: true\` first.`,
    );
  }
}
