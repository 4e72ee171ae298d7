// Runs code of a session: in its context, where the language keeps variables, or as a program of its own. The answer is the
// API's, as JSON or as a stream of events.
import type { ContextLanguage } from "../contract/contexts.ts";
import type { Language } from "../contract/language.ts";
import { CONTEXT_ROUTES } from "../contract/routes/contexts.ts";
import { SNAPSHOTS } from "../contract/routes/snapshots.ts";
import { SESSIONS } from "../contract/routes/sessions.ts";
import { describe, logError } from "../lib/log.ts";
import type { EraCall } from "./call.ts";
import { COPY_TAG } from "./contract.ts";
import { keepsVariables } from "./languages.ts";
import { COPY_TTL_SECONDS } from "./limits.ts";
import { STORAGE_CLIENT_FILES } from "./storage/clients.ts";

/** Of every session, for each language that it is run in. */
const CONTEXT_NAME = "era";

export interface Program {
  readonly language: Language;
  readonly code: string;
  readonly env: Readonly<Record<string, string>>;
  /** Seconds; null: the session's own. */
  readonly timeout: number | null;
  readonly stream: boolean;
  /** A process of its own, whatever the language. */
  readonly fresh: boolean;
}

/** `ref` null: a session of its own, destroyed as soon as it has answered. */
export async function run(call: EraCall, ref: string | null, program: Program): Promise<Response> {
  const { language, code, env, timeout, stream, fresh } = program;
  const asked = { code, env, stream, ...(timeout === null ? {} : { timeout }) };
  if (ref !== null && !fresh && keepsVariables(language)) {
    const contextId = await contextOf(call, ref, language);
    return post(call, `/sessions/${ref}/contexts/${contextId}/run`, asked);
  }
  const where = ref === null ? { files: STORAGE_CLIENT_FILES } : { sessionId: ref };
  return post(call, "/execute", { ...asked, language, ...where });
}

/** A session with the same files, for one run. Call `remove` when that has ended, however it did. */
export async function copyOf({ api }: EraCall, ref: string): Promise<{ ref: string; remove(): Promise<void> }> {
  const { id } = await api.call(SNAPSHOTS.forkSession, {
    params: { id: ref },
    // Nothing that would have it listed as one of ERA's.
    body: { ttl: COPY_TTL_SECONDS, metadata: {}, tags: [COPY_TAG] },
  });
  return {
    ref: id,
    remove: async () => {
      try {
        await api.call(SESSIONS.deleteSession, { params: { id } });
      } catch (error) {
        // Its time to live takes it away.
        logError("era_copy_left", { sessionId: id, reason: describe(error) });
      }
    },
  };
}

/** Two first runs at the same time make two, and both take the older one. */
async function contextOf(call: EraCall, ref: string, language: ContextLanguage): Promise<string> {
  const found = await oldest(call, ref, language);
  if (found !== null) {
    return found;
  }
  const body = { language, name: CONTEXT_NAME };
  const made = await call.api.call(CONTEXT_ROUTES.createContext, { params: { id: ref }, body });
  const used = (await oldest(call, ref, language)) ?? made.id;
  if (used !== made.id) {
    await call.api.call(CONTEXT_ROUTES.deleteContext, { params: { id: ref, contextId: made.id } });
  }
  return used;
}

async function oldest({ api }: EraCall, ref: string, language: ContextLanguage): Promise<string | null> {
  const { contexts } = await api.call(CONTEXT_ROUTES.listContexts, { params: { id: ref } });
  return contexts.find((context) => context.name === CONTEXT_NAME && context.language === language)?.id ?? null;
}

function post({ send }: EraCall, path: string, body: unknown): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return send(new Request(`http://api${path}`, { method: "POST", headers, body: JSON.stringify(body) }));
}
