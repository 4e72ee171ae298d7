// The record of a session as ERA shows it.
import type { EraCall } from "./call.ts";
import { readData } from "./data.ts";
import type { EraSession } from "./session.ts";
import { setupOf } from "./setup.ts";

/** What lists show of a session: nothing of its files has to be read for it. */
export function summary({ id, session, settings }: EraSession): Record<string, unknown> {
  return {
    id,
    session_id: id,
    created_at: session.createdAt,
    // The API does not tell runs from other uses.
    last_run_at: session.lastActive,
    expires_at: session.expiresAt,
    language: settings.language,
    persistent: settings.persistent,
    file_count: session.filesCount,
    total_size_bytes: session.diskUsed,
    metadata: settings.metadata,
    allowInternetAccess: session.internet,
    allowPublicAccess: settings.allowPublicAccess,
    default_timeout: settings.defaultTimeout,
  };
}

export async function record(call: EraCall, session: EraSession): Promise<Record<string, unknown>> {
  const [data, setup] = await Promise.all([readData(call, session.session.id), setupOf(call, session)]);
  return {
    ...summary(session),
    data,
    ...(setup === null ? {} : { setup: setup.setup, setup_status: setup.status, setup_result: setup.result }),
  };
}
