// What the rest of the Worker may ask of a session's object: the only thing of it that http/ knows. `accountId` is who
// asks; to anybody but its owner a session is `session_not_found`.
import type { ExecutionList, ExecutionRecord, KillAnswer, OutputPage, ProcessList } from "../contract/execute.ts";
import type { Session, SessionInfo, UpdateSession } from "../contract/session.ts";
import type { KillCommand } from "../contract/supervisor.ts";
import type { Env } from "../env.ts";
import type { Result } from "../lib/result.ts";
import type { SessionRecord } from "./record.ts";

export interface SessionRpc {
  create(record: SessionRecord): Promise<Result<Session>>;
  info(accountId: string): Promise<Result<SessionInfo>>;
  update(accountId: string, changes: UpdateSession): Promise<Result<Session>>;
  destroy(accountId: string): Promise<Result<{ deleted: true; sessionId: string }>>;
  isNamed(accountId: string, name: string): Promise<boolean>;
  kill(accountId: string, command: KillCommand): Promise<Result<KillAnswer>>;
  processes(accountId: string): Promise<Result<ProcessList>>;
  executions(accountId: string, paging: { limit: number; offset: number }): Promise<Result<ExecutionList>>;
  execution(accountId: string, executionId: string): Promise<Result<ExecutionRecord>>;
  output(accountId: string, executionId: string, after: number): Promise<Result<OutputPage>>;
  /**
   * What streams. With `SESSION_HEADERS.port` it goes to that port of the container, else to the supervisor's route of
   * the URL's path, for the account in `SESSION_HEADERS.account`; `/execute` takes an ExecuteCommand without
   * `executionId` and `timeoutMs`, and ExecuteQuery.
   */
  fetch(request: Request): Promise<Response>;
}

/** Headers between Worker and session object. None of them may come from a client or go into a container. */
export const SESSION_HEADERS = {
  account: "x-buntime-account",
  port: "x-buntime-port",
  /** On an answer: it is a problem of ours and not from the user's server. The request's id, which is new each time. */
  problem: "x-buntime-problem",
} as const;

/** Query of `/execute`: what the object has to know without reading the command. */
export interface ExecuteQuery {
  /** Seconds. Absent: the session's default. */
  readonly timeout?: string;
  readonly stream?: "true";
  readonly cancelOnDisconnect?: "true";
}

export function sessionOf(env: Env, sessionId: string): SessionRpc {
  const stub: unknown = env.SESSION.getByName(sessionId);
  // SAFETY: session/object.ts implements it. The generated RPC types give up on what metadata may hold.
  return stub as SessionRpc;
}
