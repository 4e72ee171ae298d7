// One run in a session, from its data before to its data after. Without persistence it is done in a copy of the session that
// goes with it, so that neither variables nor files outlive the run; `data` does.
import type { Problem } from "../contract/errors.ts";
import { ProblemError } from "../lib/problem-error.ts";
import type { EraCall } from "./call.ts";
import type { EraData } from "./contract.ts";
import { findOrCreate } from "./creation.ts";
import { changeBetween, changeData, readData } from "./data.ts";
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
  /** The session's, once it has ended. The same for every call. */
  readonly data: () => Promise<DataAfter>;
  /** Once it has ended, or nobody reads it any longer. */
  readonly close: () => Promise<void>;
}

interface DataAfter {
  /** Null: the code has left no JSON object, or a large one. */
  readonly data: EraData | null;
  /** Why the data could not be read or kept, which is then null, too. */
  readonly data_error?: Pick<Problem, "code" | "message">;
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
  await changeData(call, session.id, { set: options.changes ?? {} });
  const { language } = settings;
  const { stream, fresh } = options;
  const env = { ...options.env, ...(await eraVariables(call, id, { language, ref: session.id, timeout })) };
  const program: Program = { language, code, env, timeout, stream, fresh };
  if (!settings.persistent) {
    return runInCopy(call, session.id, program);
  }
  return {
    response: await run(call, session.id, program),
    data: () => dataAfter(readData(call, session.id)),
    close: async () => {},
  };
}

export async function runById(call: EraCall, id: string, options: RunOptions): Promise<SessionRun> {
  return runInSession(call, await findOrCreate(call, id), options);
}

async function runInCopy(call: EraCall, ref: string, program: Program): Promise<SessionRun> {
  const copy = await copyOf(call, ref);
  try {
    const before = await readData(call, copy.ref);
    let kept: Promise<DataAfter> | null = null;
    const data = (): Promise<DataAfter> => (kept ??= dataAfter(keepData(call, ref, { copy: copy.ref, before })));
    const close = async (): Promise<void> => {
      try {
        await data();
      } finally {
        await copy.remove();
      }
    };
    return { response: await run(call, copy.ref, program), data, close };
  } catch (error) {
    await copy.remove();
    throw error;
  }
}

/** What the run has made of its data outlives it, but for what is no data: then the session's stays as it was. */
async function keepData(
  call: EraCall,
  ref: string,
  { copy, before }: { readonly copy: string; readonly before: EraData | null },
): Promise<EraData | null> {
  const after = await readData(call, copy);
  if (after !== null) {
    await changeData(call, ref, changeBetween(before ?? {}, after));
  }
  return after;
}

/** What a run has done is told even where its data cannot be. */
async function dataAfter(work: Promise<EraData | null>): Promise<DataAfter> {
  try {
    return { data: await work };
  } catch (error) {
    if (error instanceof ProblemError) {
      const { code, message } = error.problem;
      return { data: null, data_error: { code, message } };
    }
    throw error;
  }
}
