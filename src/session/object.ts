// A session's Durable Object: carries messages to the parts that know. Calls whose answers are small values are RPC and
// return a Result; what streams, or may be larger than RPC's 32 MiB, comes through `fetch`. Nothing is written to
// storage on the way of an execute or a preview.
import { DurableObject } from "cloudflare:workers";
import { accountOf } from "../account/rpc.ts";
import type { ExecutionList, ExecutionRecord, KillAnswer, OutputPage, ProcessList } from "../contract/execute.ts";
import { DEFAULT_RESOURCES } from "../contract/limits.ts";
import type { ResourceLimits, Session as SessionView, SessionInfo, UpdateSession } from "../contract/session.ts";
import type { KillCommand } from "../contract/supervisor.ts";
import type { Env } from "../env.ts";
import { describe, logError } from "../lib/log.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { within } from "../lib/within.ts";
import { forgetName, rememberName } from "../storage/directory.ts";
import { Executions } from "./execution.ts";
import { deadlinesOf, GONE, isAlive, step } from "./machine.ts";
import type { SessionEvent } from "./machine.ts";
import { sessionView } from "./record.ts";
import type { SessionRecord } from "./record.ts";
import { removeOutside } from "./removal.ts";
import { SESSION_HEADERS } from "./rpc.ts";
import type { SessionRpc } from "./rpc.ts";
import { Runtime } from "./runtime.ts";
import { SessionStore } from "./store.ts";
import type { StoredSession } from "./store.ts";
import { ownProblem, Streams } from "./streams.ts";
import { SupervisorClient } from "./supervisor-client.ts";
import { earliest } from "./timers.ts";

/** Activity is kept in memory and stored this often at the most. */
const ACTIVITY_STORED_MS = 60_000;
/** How long `GET /sessions/{id}` waits for figures from the container. */
const STATS_MS = 2000;

export class Session extends DurableObject<Env> implements SessionRpc {
  readonly #store: SessionStore;
  readonly #runtime: Runtime;
  readonly #supervisor: SupervisorClient;
  readonly #executions: Executions;
  readonly #streams: Streams;
  #session: StoredSession | null;
  #lastActive: number;
  #removal: Promise<void> | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new SessionStore(ctx.storage);
    this.#session = this.#store.load();
    this.#lastActive = this.#session?.lastActive ?? 0;
    const limits = (): ResourceLimits => this.#limits();
    this.#runtime = new Runtime(ctx, env, this.#store, this.#sessionId());
    this.#supervisor = new SupervisorClient(this.#runtime, limits);
    this.#executions = new Executions(this.#runtime, this.#supervisor, this.#store, limits);
    this.#streams = new Streams(this.#runtime, this.#supervisor, this.#executions);
    void ctx.blockConcurrencyWhile(() => this.#runtime.attach());
  }

  async create(record: SessionRecord): Promise<Result<SessionView>> {
    if (this.#session !== null) {
      return fail("conflict", `Session ${record.id} exists already. Create another.`);
    }
    // Stored before it is entered: were the object lost in between, the alarm would still remove it.
    this.#session = { record, state: GONE, lastActive: record.createdAt };
    this.#lastActive = record.createdAt;
    this.#store.create(this.#session);
    await this.#apply({ type: "create", expiresAt: record.expiresAt });
    if (!record.oneShot) {
      const entered = await accountOf(this.env, record.accountId).enter(record);
      if (!entered.ok) {
        await this.#erase();
        return entered;
      }
      this.#rememberName(record);
    }
    // A failure is logged there, and tried again by the first call that needs the container.
    this.ctx.waitUntil(this.#runtime.ready(record.resourceLimits));
    return ok(sessionView(record, this.env.DOMAIN));
  }

  async info(accountId: string): Promise<Result<SessionInfo>> {
    const session = this.#find(accountId);
    if (!session.ok) {
      return session;
    }
    const stats =
      this.#runtime.state === "running" ? await within(this.#supervisor.stats(), STATS_MS).catch(() => null) : null;
    const known = stats?.ok ? stats.value : null;
    return ok({
      ...sessionView(session.value.record, this.env.DOMAIN),
      lastActive: new Date(this.#lastActive).toISOString(),
      filesCount: known?.filesCount ?? null,
      diskUsed: known?.diskUsed ?? null,
      activeProcesses: known?.activeProcesses ?? 0,
    });
  }

  async update(accountId: string, changes: UpdateSession): Promise<Result<SessionView>> {
    const session = this.#touch(accountId);
    if (!session.ok) {
      return session;
    }
    const before = session.value.record;
    const record: SessionRecord = {
      ...before,
      name: changes.name === undefined ? before.name : changes.name,
      metadata: changes.metadata ?? before.metadata,
      expiresAt: changes.ttl === undefined ? before.expiresAt : Date.now() + changes.ttl * 1000,
    };
    const account = accountOf(this.env, record.accountId);
    const entered = await account.enter(record);
    if (!entered.ok) {
      return entered;
    }
    const still = this.#find(accountId);
    if (!still.ok) {
      // It was deleted meanwhile, perhaps before it was entered anew.
      await account.release(record.id);
      return still;
    }
    this.#session = { ...still.value, record };
    await this.#apply({ type: "extend", expiresAt: record.expiresAt });
    if (before.name !== null && before.name !== record.name) {
      this.#inBackground("directory_failed", forgetName(this.env.DIRECTORY, accountId, before.name));
    }
    if (record.name !== before.name || record.expiresAt !== before.expiresAt) {
      this.#rememberName(record);
    }
    return ok(sessionView(record, this.env.DOMAIN));
  }

  async destroy(accountId: string): Promise<Result<{ deleted: true; sessionId: string }>> {
    const session = this.#find(accountId);
    if (!session.ok) {
      return session;
    }
    await this.#apply({ type: "delete" });
    return ok({ deleted: true, sessionId: session.value.record.id });
  }

  async isNamed(accountId: string, name: string): Promise<boolean> {
    const session = this.#find(accountId);
    return session.ok && session.value.record.name === name;
  }

  async kill(accountId: string, command: KillCommand): Promise<Result<KillAnswer>> {
    const session = this.#touch(accountId);
    if (!session.ok) {
      return session;
    }
    if (this.#runtime.state !== "stopped") {
      return this.#supervisor.kill(command);
    }
    return command.pid === undefined
      ? ok({ killed: 0, pids: [] })
      : fail("process_not_found", `Process ${command.pid} is not running. List the session's processes.`);
  }

  async processes(accountId: string): Promise<Result<ProcessList>> {
    const session = this.#touch(accountId);
    if (!session.ok) {
      return session;
    }
    return this.#runtime.state === "stopped" ? ok({ processes: [] }) : this.#supervisor.processes();
  }

  async executions(accountId: string, paging: { limit: number; offset: number }): Promise<Result<ExecutionList>> {
    const session = this.#touch(accountId);
    return session.ok ? this.#executions.list(paging) : session;
  }

  async execution(accountId: string, executionId: string): Promise<Result<ExecutionRecord>> {
    const session = this.#touch(accountId);
    return session.ok ? this.#executions.record(executionId) : session;
  }

  async output(accountId: string, executionId: string, after: number): Promise<Result<OutputPage>> {
    const session = this.#touch(accountId);
    return session.ok ? this.#executions.output(executionId, after) : session;
  }

  override async fetch(request: Request): Promise<Response> {
    const headers = new Headers(request.headers);
    const accountId = headers.get(SESSION_HEADERS.account);
    const port = headers.get(SESSION_HEADERS.port);
    headers.delete(SESSION_HEADERS.account);
    headers.delete(SESSION_HEADERS.port);
    // Answered already, here; a container port takes it for a second answer and fails the upload.
    headers.delete("expect");
    const session = this.#touch(accountId);
    if (!session.ok) {
      return ownProblem(request, session.error);
    }
    const { resourceLimits, oneShot } = session.value.record;
    if (port !== null) {
      return this.#streams.toPort(Number(port), request, headers, resourceLimits);
    }
    return this.#streams.toSupervisor(request, headers, {
      drain: oneShot,
      executed: () => {
        if (oneShot) {
          this.#inBackground("session_removal_failed", this.#apply({ type: "delete" }));
        }
      },
    });
  }

  override async alarm(): Promise<void> {
    await this.#apply({ type: "alarm" });
  }

  /** Of a session that is being created, the name under which the object is addressed. */
  #sessionId(): string | undefined {
    return this.#session?.record.id ?? this.ctx.id.name;
  }

  #limits(): ResourceLimits {
    return this.#session?.record.resourceLimits ?? DEFAULT_RESOURCES;
  }

  /** The session for who asks; `null` asks as the public, for a preview. */
  #find(accountId: string | null): Result<StoredSession> {
    const session = this.#session;
    if (
      session === null ||
      !isAlive(session.state, Date.now()) ||
      (accountId !== null && accountId !== session.record.accountId)
    ) {
      return fail("session_not_found", "There is no such session. It may have expired or been deleted; create one.");
    }
    return ok(session);
  }

  /** As `#find`, and counts as activity. */
  #touch(accountId: string | null): Result<StoredSession> {
    const session = this.#find(accountId);
    if (session.ok) {
      this.#lastActive = Date.now();
      if (this.#lastActive - session.value.lastActive > ACTIVITY_STORED_MS) {
        this.#session = { ...session.value, lastActive: this.#lastActive };
        this.#store.save(this.#session);
      }
    }
    return session;
  }

  async #apply(event: SessionEvent): Promise<void> {
    if (this.#session === null) {
      return;
    }
    const { state, effects } = step(this.#session.state, event, Date.now());
    this.#session = { ...this.#session, state };
    this.#store.save(this.#session);
    const alarm = earliest(deadlinesOf(state));
    if (alarm !== null) {
      await this.ctx.storage.setAlarm(alarm);
    }
    for (const effect of effects) {
      switch (effect) {
        case "remove":
          await this.#remove(this.#session.record);
          break;
        case "keep":
          await this.#runtime.keep();
          break;
        case "erase":
          await this.#erase();
          break;
      }
    }
  }

  async #remove(record: SessionRecord): Promise<void> {
    this.#removal ??= removeOutside(record, this.#runtime, this.env).finally(() => {
      this.#removal = null;
    });
    try {
      await this.#removal;
    } catch (error) {
      // The alarm that is set tries again.
      logError("session_removal_failed", { sessionId: record.id, reason: describe(error) });
      return;
    }
    await this.#apply({ type: "removed" });
  }

  async #erase(): Promise<void> {
    this.#session = null;
    await this.#store.erase();
  }

  #rememberName({ id, accountId, name, expiresAt }: SessionRecord): void {
    if (name !== null) {
      const entry = { accountId, name, sessionId: id, expiresAt };
      this.#inBackground("directory_failed", rememberName(this.env.DIRECTORY, entry, Date.now()));
    }
  }

  #inBackground(failure: string, work: Promise<unknown>): void {
    const onFailure = (error: unknown): void =>
      logError(failure, { sessionId: this.#sessionId(), reason: describe(error) });
    this.ctx.waitUntil(work.catch(onFailure));
  }
}
