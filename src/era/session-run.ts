// One run in a session, from its data before to its data after. Without persistence it is done in a copy of the session that
// goes with it, so that neither variables nor files outlive the run; `data` does.
import { ProblemError } from "../lib/problem-error.ts";
import type { EraCall } from "./call.ts";
import type { EraData } from "./contract.ts";
import { findOrCreate } from "./creation.ts";
import { mergeData, readData, replaceData } from "./data.ts";
import { eraVariables } from "./environment.ts";
import { copyOf, run } from "./runner.ts";
import type { Program } from "./runner.ts";
import { keepAlive } from "./session.ts";
import type { EraSession } from "./session.ts";
import { checkTimeout } from "./settings.ts";
import { refuseDuringSetup } from "./setup.ts";
import { readCode } from "./stored-code.ts";

export interface RunOptions extends Pick<Program, "stream" | "fresh"> {
  /** Absent: the session's stored code. */
  readonly code?: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** Seconds. Absent: the session's default. */
  readonly timeout?: number | undefined;
  readonly changes?: EraData | undefined;
}

export interface SessionRun {
  /** The API's: JSON, or events as they come. */
  readonly response: Response;
  /** Once it has ended, or nobody reads it any longer: gives the session's data, null where there is none to be read. The
   * same for every call. */
  readonly finish: () => Promise<EraData | null>;
}

/** @throws ProblemError for what is refused before anything runs */
export async function runInSession(call: EraCall, found: EraSession, options: RunOptions): Promise<SessionRun> {
  const { id, session, settings } = found;
  const timeout = options.timeout ?? settings.defaultTimeout;
  checkTimeout(timeout, call.plan);
  await refuseDuringSetup(call, found);
  const code = options.code ?? (await readCode(call, session.id))?.code;
  if (code === undefined) {
    throw new ProblemError(
      "invalid_request",
      "code is required or must be stored: no code was given and none is stored.",
    );
  }
  call.waitUntil(keepAlive(call, found));
  await mergeData(call, session.id, options.changes ?? {});
  const { language } = settings;
  const { stream, fresh } = options;
  const env = { ...options.env, ...(await eraVariables(call, id, { language, ref: session.id, timeout })) };
  const program: Program = { language, code, env, timeout, stream, fresh };
  if (!settings.persistent) {
    return runInCopy(call, session.id, program);
  }
  return { response: await run(call, session.id, program), finish: once(() => readData(call, session.id)) };
}

export async function runById(call: EraCall, id: string, options: RunOptions): Promise<SessionRun> {
  return runInSession(call, await findOrCreate(call, id), options);
}

async function runInCopy(call: EraCall, ref: string, program: Program): Promise<SessionRun> {
  const copy = await copyOf(call, ref);
  const finish = once(async () => {
    try {
      const data = await readData(call, copy.ref);
      if (data !== null) {
        await replaceData(call, ref, data);
      }
      return await readData(call, ref);
    } finally {
      await copy.remove();
    }
  });
  try {
    return { response: await run(call, copy.ref, program), finish };
  } catch (error) {
    await copy.remove();
    throw error;
  }
}

/** What a run has done is told even where its data cannot be read any longer. */
function once(work: () => Promise<EraData | null>): () => Promise<EraData | null> {
  let begun: Promise<EraData | null> | null = null;
  const orNull = async (): Promise<EraData | null> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ProblemError) {
        return null;
      }
      throw error;
    }
  };
  return () => (begun ??= orNull());
}
