// What the rest of the Worker may ask of a session's object: the only thing of it that http/ knows. `accountId` is who
// asks; to anybody but its owner a session is `session_not_found`.
import type {
  ExecuteAnswer,
  ExecutionList,
  ExecutionRecord,
  KillAnswer,
  OutputPage,
  ProcessList,
} from "../contract/execute.ts";
import type { CreatePreviewToken, NewPreviewToken, PreviewRequestPage, PreviewTokenList } from "../contract/preview.ts";
import type { Session, SessionInfo, UpdateSession } from "../contract/session.ts";
import type { RestoreAnswer, Snapshot, SnapshotDiff, SnapshotList } from "../contract/snapshot.ts";
import type { KillCommand } from "../contract/supervisor.ts";
import type { TerminalClosed, TerminalList } from "../contract/terminal.ts";
import type { Env } from "../env.ts";
import type { Result } from "../lib/result.ts";
import type { SessionRecord } from "./record.ts";

export interface SessionRpc {
  create(record: SessionRecord, options?: CreateOptions): Promise<Result<Session>>;
  info(accountId: string): Promise<Result<SessionInfo>>;
  update(accountId: string, changes: UpdateSession): Promise<Result<Session>>;
  destroy(accountId: string): Promise<Result<{ deleted: true; sessionId: string }>>;
  /** Resolves when it sleeps. One that does is left alone. */
  sleep(accountId: string): Promise<Result<Session>>;
  /** Resolves when its container can be used. One that is awake counts as used. */
  wake(accountId: string): Promise<Result<Session>>;
  /** The account's budget was changed or is spent: it is asked for anew, and kept. */
  reviewBudget(accountId: string): Promise<void>;
  /** A key opens the account no longer: the streams that it has opened end. */
  endStreams(accountId: string, keyId: string): Promise<void>;
  isNamed(accountId: string, name: string): Promise<boolean>;
  kill(accountId: string, command: KillCommand): Promise<Result<KillAnswer>>;
  processes(accountId: string): Promise<Result<ProcessList>>;
  terminals(accountId: string, paging: { limit: number; offset: number }): Promise<Result<TerminalList>>;
  closeTerminal(accountId: string, terminalId: string): Promise<Result<TerminalClosed>>;
  executions(accountId: string, paging: { limit: number; offset: number }): Promise<Result<ExecutionList>>;
  execution(accountId: string, executionId: string): Promise<Result<ExecutionRecord>>;
  output(accountId: string, executionId: string, after: number): Promise<Result<OutputPage>>;
  /** What became of an execution whose caller was lost, once it has ended. `execution_not_found`: it never started. */
  resume(accountId: string, executionId: string, options: ResumeOptions): Promise<Result<ExecuteAnswer>>;
  snapshot(accountId: string, label: string | null): Promise<Result<Snapshot>>;
  snapshots(accountId: string, paging: { limit: number; offset: number }): Promise<Result<SnapshotList>>;
  getSnapshot(accountId: string, snapshotId: string): Promise<Result<Snapshot>>;
  deleteSnapshot(accountId: string, snapshotId: string): Promise<Result<{ deleted: true; snapshotId: string }>>;
  restore(accountId: string, snapshotId: string, path: string | null): Promise<Result<RestoreAnswer>>;
  diff(accountId: string, snapshotId: string, query: DiffOptions): Promise<Result<SnapshotDiff>>;
  /** What a fork of this session begins with: its record, and a snapshot of it that stays until the fork has its own. */
  forkSource(accountId: string, snapshotId: string | null): Promise<Result<ForkSource>>;
  createPreviewToken(accountId: string, request: CreatePreviewToken): Promise<Result<NewPreviewToken>>;
  previewTokens(accountId: string, paging: { limit: number; offset: number }): Promise<Result<PreviewTokenList>>;
  revokePreviewToken(accountId: string, tokenId: string): Promise<Result<{ revoked: true; tokenId: string }>>;
  /** What its previews were asked lately. Wakes nothing. */
  previewRequests(accountId: string, page: PageAfter): Promise<Result<PreviewRequestPage>>;
  /** Which of these tokens opens the preview of a port. `unauthorized`: none does. Wakes nothing. */
  openPreview(port: number, tokens: readonly string[]): Promise<Result<OpenedPreview>>;
  /**
   * What streams. With `SESSION_HEADERS.port` it goes to that port of the container, else to the supervisor's route of
   * the URL's path, for the account in `SESSION_HEADERS.account`; `/terminal` becomes a WebSocket; `/execute` takes an ExecuteCommand without
   * `executionId` and `timeoutMs`, and ExecuteQuery.
   */
  fetch(request: Request): Promise<Response>;
}

export interface PageAfter {
  readonly after: number;
  readonly limit: number;
}

export interface CreateOptions {
  /** It begins asleep, with what this snapshot holds. */
  readonly from?: { readonly sessionId: string; readonly snapshotId: string };
  /** It begins asleep, with nothing. */
  readonly onDemand?: boolean;
}

export interface ForkSource {
  readonly record: SessionRecord;
  readonly snapshotId: string;
}

/** Nulls: no token is needed. */
export interface OpenedPreview {
  readonly token: string | null;
  readonly expiresAt: number | null;
}

export interface DiffOptions {
  /** Null: the newest. */
  readonly to: string | null;
  readonly limit: number;
  readonly offset: number;
}

/** Headers between Worker and session object. None of them may come from a client or go into a container. */
export const SESSION_HEADERS = {
  account: "x-buntime-account",
  /** With which that account asks, by `keyHeader`. What it opens ends with it. */
  key: "x-buntime-key",
  port: "x-buntime-port",
  /** What a visitor gave to be let in to a private preview, separated by commas. */
  tokens: "x-buntime-tokens",
  /** On an answer: it is a problem of ours and not from the user's server. The request's id, which is new each time. */
  problem: "x-buntime-problem",
} as const;

/** The value of SESSION_HEADERS.key. */
export function keyHeader({ keyId, expiresAt }: { readonly keyId: string; readonly expiresAt: number | null }): string {
  return expiresAt === null ? keyId : `${keyId} ${expiresAt}`;
}

/** Query of `/execute`: what the object has to know without reading the command. */
export interface ExecuteQuery {
  /** Seconds. Absent: the session's default. */
  readonly timeout?: string;
  readonly stream?: "true";
  readonly cancelOnDisconnect?: "true";
  /** The context that it runs in. */
  readonly context?: string;
  /** Reserved by the caller, who may send it again: a container starts it once. Absent: a new one. */
  readonly executionId?: string;
  /** A session made for this execution is left for the caller to remove, who has to keep the answer first. */
  readonly keep?: "true";
}

/** What the call of an execution asked for, and its record does not hold. */
export interface ResumeOptions {
  readonly encoding: ExecuteAnswer["encoding"];
  /** Null: the session's default. */
  readonly timeoutSeconds: number | null;
}

export function sessionOf(env: Env, sessionId: string): SessionRpc {
  const stub: unknown = env.SESSION.getByName(sessionId);
  // SAFETY: session/object.ts implements it. The generated RPC types give up on what metadata may hold.
  return stub as SessionRpc;
}
