// `setup` of a session: packages and commands, done in its background after it was created. What has become of it stands in a
// file of the workspace, so that it is known while the session sleeps, and to a copy of it.
import * as z from "zod";
import { EXECUTE } from "../contract/routes/execute.ts";
import { ProblemError } from "../lib/problem-error.ts";
import type { EraCall } from "./call.ts";
import { KeptSetup, SetupResult, SetupStatus } from "./contract.ts";
import type { Setup } from "./contract.ts";
import { SETUP_SCRIPT } from "./setup-script.ts";
import type { EraSession } from "./session.ts";
import { OWN_DIRECTORY } from "./places.ts";
import { readFile, writeFile } from "./workspace.ts";

const SETUP_FILE = `${OWN_DIRECTORY}/setup.json`;
const FILE_BYTES = 16 * 1024 * 1024;

const SetupState = z.object({
  setup: KeptSetup,
  status: SetupStatus,
  result: SetupResult.nullable(),
  executionId: z.string().nullable(),
});
export type SetupState = z.infer<typeof SetupState>;

/** Returns once it has begun. */
export async function beginSetup(call: EraCall, ref: string, { envs = {}, ...setup }: Setup): Promise<SetupState> {
  const pending: SetupState = { setup, status: "pending", result: null, executionId: null };
  await writeFile(call, ref, SETUP_FILE, { text: JSON.stringify(pending) });
  const written = await readFile(call, ref, SETUP_FILE, FILE_BYTES);
  const { executionId } = await call.api.call(EXECUTE.execute, {
    body: {
      sessionId: ref,
      code: SETUP_SCRIPT,
      stdin: JSON.stringify({ setup, file: SETUP_FILE }),
      env: envs,
      background: true,
    },
  });
  // Unless the program has told of itself: so that one which never does is known by the end of its process.
  await writeFile(call, ref, SETUP_FILE, { text: JSON.stringify({ ...pending, executionId }), over: written });
  return pending;
}

/** Null where none was asked for. Does not wake the session. */
export async function setupOf(call: EraCall, { session, settings }: EraSession): Promise<SetupState | null> {
  if (!settings.setup) {
    return null;
  }
  const file = await readFile(call, session.id, SETUP_FILE, FILE_BYTES);
  const state = SetupState.safeParse(parsed(file?.text));
  if (!state.success) {
    return failed(
      { setup: {}, executionId: null },
      `Nothing is known of the setup: ${SETUP_FILE} was lost or changed.`,
    );
  }
  const { executionId } = state.data;
  if (hasEnded(state.data) || executionId === null) {
    return state.data;
  }
  if (await isRunning(call, session.id, executionId)) {
    // Where both wrote at the same moment, what the program has told of its beginning is gone.
    return { ...state.data, status: "running" };
  }
  // It may have told its end in the meantime.
  const again = SetupState.safeParse(parsed((await readFile(call, session.id, SETUP_FILE, FILE_BYTES))?.text));
  return again.success && hasEnded(again.data)
    ? again.data
    : failed(state.data, "The session's machine ended, or the setup was ended, before it was done.");
}

/** @throws ProblemError `conflict` where a setup has not ended yet: what it installs would be missing. */
export async function refuseDuringSetup(call: EraCall, session: EraSession): Promise<void> {
  const state = await setupOf(call, session);
  if (state !== null && !hasEnded(state)) {
    throw new ProblemError(
      "conflict",
      `The setup of ${session.id} has not ended. Ask GET /api/sessions/${session.id} until its \`setup_status\` is completed.`,
      { setup_status: state.status },
    );
  }
}

function hasEnded({ status }: SetupState): boolean {
  return status === "completed" || status === "failed";
}

async function isRunning({ api }: EraCall, id: string, executionId: string): Promise<boolean> {
  try {
    const { outcome } = await api.call(EXECUTE.getExecution, { params: { id, executionId } });
    return outcome === "running";
  } catch (error) {
    if (error instanceof ProblemError && error.problem.code === "execution_not_found") {
      return false;
    }
    throw error;
  }
}

function failed({ setup, executionId }: Pick<SetupState, "setup" | "executionId">, error: string): SetupState {
  const result = { success: false, duration_ms: 0, error, stdout: "", stderr: "" };
  return { setup, executionId, status: "failed", result };
}

function parsed(text: string | null | undefined): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}
