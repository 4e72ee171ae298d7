// A session's Durable Object: carries messages to the parts that know. Calls whose answers are small values are RPC and
// return a Result; what streams, or may be larger than RPC's 32 MiB, comes through `fetch`. Nothing is written to
// storage on the way of an execute or a preview, but once for each time that the session has to be saved.
import { DurableObject } from "cloudflare:workers";
import type {
  ExecuteAnswer,
  ExecutionList,
  ExecutionRecord,
  KillAnswer,
  OutputPage,
  ProcessList,
} from "../contract/execute.ts";
import { DEFAULT_RESOURCES } from "../contract/limits.ts";
import type { CreatePreviewToken, NewPreviewToken, PreviewRequestPage, PreviewTokenList } from "../contract/preview.ts";
import type { ResourceLimits, Session as SessionView, SessionInfo, UpdateSession } from "../contract/session.ts";
import type { RestoreAnswer, Snapshot, SnapshotDiff, SnapshotList } from "../contract/snapshot.ts";
import type { KillCommand } from "../contract/supervisor.ts";
import type { TerminalClosed, TerminalList } from "../contract/terminal.ts";
import { historyMaxBytes, sleepSettings } from "../env.ts";
import type { Env } from "../env.ts";
import { ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { Activity } from "./activity.ts";
import { AsleepReads } from "./asleep/reads.ts";
import { Budgets } from "./budgets.ts";
import { createSession } from "./creation.ts";
import { Door } from "./door.ts";
import { Effects } from "./effects.ts";
import { Executions } from "./execution.ts";
import { ExecutionRecords } from "./execution-records.ts";
import { History } from "./history/history.ts";
import { KeyRights } from "./key-rights.ts";
import { Lifecycle } from "./lifecycle.ts";
import { Meter } from "./meter.ts";
import { visibleState } from "./state.ts";
import { sessionView, timingOf } from "./record.ts";
import type { SessionRecord } from "./record.ts";
import { OnDemand } from "./on-demand.ts";
import { PreviewAccess } from "./preview-access.ts";
import { PreviewLimit } from "./preview-limit.ts";
import { PreviewLog } from "./preview-log.ts";
import { Restoring } from "./restoring.ts";
import type { CreateOptions, DiffOptions, ForkSource, OpenedPreview, ResumeOptions, SessionRpc } from "./rpc.ts";
import type { Run } from "./run.ts";
import { Running } from "./running.ts";
import { Runtime } from "./runtime.ts";
import { Saving } from "./saving.ts";
import { putServices } from "./services.ts";
import { sessionInfo } from "./session-info.ts";
import { Snapshots } from "./snapshots.ts";
import { SessionStore } from "./store.ts";
import { Streams } from "./streams.ts";
import { SupervisorClient } from "./supervisor-client.ts";
import { SAVED_FIRST, TerminationWatch } from "./termination-watch.ts";
import { Updates } from "./update.ts";

export class Session extends DurableObject<Env> implements SessionRpc {
  readonly #store: SessionStore;
  readonly #activity: Activity;
  readonly #lifecycle: Lifecycle;
  readonly #runtime: Runtime;
  readonly #door: Door;
  readonly #meter: Meter;
  readonly #budgets: Budgets;
  readonly #restoring: Restoring;
  readonly #snapshots: Snapshots;
  readonly #watch: TerminationWatch;
  readonly #running: Running;
  readonly #records: ExecutionRecords;
  readonly #previews: PreviewAccess;
  readonly #keys = new KeyRights();
  readonly #previewLog: PreviewLog;
  readonly #onDemand: OnDemand;
  readonly #updates: Updates;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const store = (this.#store = new SessionStore(ctx.storage));
    const session = store.load();
    const record = (): SessionRecord => this.#record();
    const limits = (): ResourceLimits => this.#lifecycle.session?.record.resourceLimits ?? DEFAULT_RESOURCES;
    const activity = (this.#activity = new Activity(session?.lastActive ?? 0));
    const runtime = (this.#runtime = new Runtime(ctx, env, {
      store,
      // Of a session that is being created, the name under which the object is addressed.
      sessionId: session?.record.id ?? ctx.id.name,
      hooks: {
        prepare: () => this.#restoring.prepare(),
        settle: (run, { launched }) => this.#settle(run, launched),
        lost: (runId, reason) => this.#lost(runId, reason),
      },
    }));
    const supervisor = new SupervisorClient(runtime, limits);
    const saving = new Saving(env, { runtime, store, record });
    const restoring = (this.#restoring = new Restoring(env, { runtime, store, record }));
    const recordOrNull = (): SessionRecord | null => this.#lifecycle.session?.record ?? null;
    const meter = (this.#meter = new Meter({
      store,
      runtime,
      record: recordOrNull,
      onDue: () => this.#lifecycle.inBackground("usage_not_planned", this.#lifecycle.reschedule()),
    }));
    const budgeted = (): Lifecycle => this.#lifecycle;
    const budgets = (this.#budgets = new Budgets(env, { meter, record: recordOrNull, session: budgeted }));
    const phase = session?.state.phase;
    const effects = new Effects(
      env,
      { runtime, supervisor, saving, store, activity, report: () => budgets.report() },
      { frozen: phase === "idle" || phase === "falling-asleep" },
    );
    const history = new History(ctx.storage, {
      maxBytes: historyMaxBytes(env),
      isThere: () => this.#lifecycle.session !== null,
    });
    const lifecycle = (this.#lifecycle = new Lifecycle(
      ctx,
      env,
      { store, activity, effects, budgets, history },
      session,
    ));
    this.#snapshots = new Snapshots(env, { lifecycle, effects, runtime, supervisor, saving, restoring, store });
    const executions = new Executions(runtime, supervisor, store, limits);
    const streams = new Streams({ runtime, supervisor, executions, lifecycle, activity, meter, budgets, restoring });
    const asleep = new AsleepReads(env, { store, record });
    const running = (this.#running = new Running({ lifecycle, runtime, supervisor, store, activity, asleep }));
    this.#records = new ExecutionRecords({ lifecycle, supervisor, asleep, executions });
    const previews = (this.#previews = new PreviewAccess(env, { lifecycle, sql: ctx.storage.sql }));
    this.#previewLog = new PreviewLog(lifecycle);
    const onDemand = (this.#onDemand = new OnDemand({ lifecycle, effects, runtime, activity }));
    this.#updates = new Updates(env, { lifecycle, activity, runtime, store, onDemand, previews });
    const previewLimit = new PreviewLimit(env);
    const keys = this.#keys;
    this.#door = new Door({ lifecycle, history, running, asleep, previews, previewLimit, keys, streams });
    this.#watch = new TerminationWatch({
      runtime,
      isWanted: () => lifecycle.state.phase === "active" && !record().oneShot,
      save: () => saving.save("terminating"),
    });
    void ctx.blockConcurrencyWhile(async () => {
      await runtime.attach();
      meter.resume();
    });
  }

  async create(asked: SessionRecord, options: CreateOptions = {}): Promise<Result<SessionView>> {
    const parts = { lifecycle: this.#lifecycle, store: this.#store, runtime: this.#runtime, budgets: this.#budgets };
    return this.#viewed(await createSession(this.env, parts, asked, options));
  }

  async info(accountId: string): Promise<Result<SessionInfo>> {
    const session = this.#lifecycle.find(accountId);
    if (!session.ok) {
      return session;
    }
    const { record } = session.value;
    const [stats, damagedSnapshots] = await Promise.all([this.#running.stats(), this.#snapshots.damaged(record)]);
    return ok(
      sessionInfo({
        view: this.#view(record),
        state: this.#lifecycle.state,
        timing: timingOf(record, sleepSettings(this.env)),
        lastActive: this.#activity.busy ? Date.now() : this.#activity.lastAt,
        stats,
        damagedSnapshots,
        store: this.#store,
        spent: this.#meter.spent(),
      }),
    );
  }

  async update(accountId: string, changes: UpdateSession): Promise<Result<SessionView>> {
    return this.#viewed(await this.#updates.update(accountId, changes));
  }

  async destroy(accountId: string): Promise<Result<{ deleted: true; sessionId: string }>> {
    const session = this.#lifecycle.find(accountId);
    if (!session.ok) {
      return session;
    }
    await this.#lifecycle.remove();
    return ok({ deleted: true, sessionId: session.value.record.id });
  }

  async sleep(accountId: string): Promise<Result<SessionView>> {
    return this.#viewed(await this.#onDemand.sleep(accountId));
  }

  async wake(accountId: string): Promise<Result<SessionView>> {
    return this.#viewed(await this.#onDemand.wake(accountId));
  }

  async reviewBudget(accountId: string): Promise<void> {
    if (this.#lifecycle.find(accountId).ok) {
      await this.#budgets.consult();
    }
  }

  async isNamed(accountId: string, name: string): Promise<boolean> {
    const session = this.#lifecycle.find(accountId);
    return session.ok && session.value.record.name === name;
  }

  kill(accountId: string, command: KillCommand): Promise<Result<KillAnswer>> {
    return this.#running.kill(accountId, command);
  }

  processes(accountId: string): Promise<Result<ProcessList>> {
    return this.#running.processes(accountId);
  }

  terminals(accountId: string, paging: { limit: number; offset: number }): Promise<Result<TerminalList>> {
    return this.#running.terminals(accountId, paging);
  }

  closeTerminal(accountId: string, terminalId: string): Promise<Result<TerminalClosed>> {
    return this.#running.closeTerminal(accountId, terminalId);
  }

  executions(accountId: string, paging: { limit: number; offset: number }): Promise<Result<ExecutionList>> {
    return this.#records.list(accountId, paging);
  }

  execution(accountId: string, executionId: string): Promise<Result<ExecutionRecord>> {
    return this.#records.get(accountId, executionId);
  }

  output(accountId: string, executionId: string, after: number): Promise<Result<OutputPage>> {
    return this.#records.output(accountId, executionId, after);
  }

  resume(accountId: string, executionId: string, options: ResumeOptions): Promise<Result<ExecuteAnswer>> {
    return this.#records.resume(accountId, executionId, options);
  }

  snapshot(accountId: string, label: string | null): Promise<Result<Snapshot>> {
    return this.#snapshots.create(accountId, label);
  }

  snapshots(accountId: string, paging: { limit: number; offset: number }): Promise<Result<SnapshotList>> {
    return this.#snapshots.list(accountId, paging);
  }

  getSnapshot(accountId: string, snapshotId: string): Promise<Result<Snapshot>> {
    return this.#snapshots.get(accountId, snapshotId);
  }

  deleteSnapshot(accountId: string, snapshotId: string): Promise<Result<{ deleted: true; snapshotId: string }>> {
    return this.#snapshots.remove(accountId, snapshotId);
  }

  restore(accountId: string, snapshotId: string, path: string | null): Promise<Result<RestoreAnswer>> {
    return this.#snapshots.restore(accountId, snapshotId, path);
  }

  diff(accountId: string, snapshotId: string, options: DiffOptions): Promise<Result<SnapshotDiff>> {
    return this.#snapshots.diff(accountId, snapshotId, options);
  }

  forkSource(accountId: string, snapshotId: string | null): Promise<Result<ForkSource>> {
    return this.#snapshots.forkSource(accountId, snapshotId);
  }

  createPreviewToken(accountId: string, request: CreatePreviewToken): Promise<Result<NewPreviewToken>> {
    return this.#previews.create(accountId, request);
  }

  async previewTokens(accountId: string, paging: { limit: number; offset: number }): Promise<Result<PreviewTokenList>> {
    return this.#previews.list(accountId, paging);
  }

  async revokePreviewToken(accountId: string, tokenId: string): Promise<Result<{ revoked: true; tokenId: string }>> {
    return this.#previews.revoke(accountId, tokenId);
  }

  previewRequests(accountId: string, page: { after: number; limit: number }): Promise<Result<PreviewRequestPage>> {
    return this.#previewLog.list(accountId, page);
  }

  openPreview(port: number, tokens: readonly string[]): Promise<Result<OpenedPreview>> {
    return this.#previews.open(port, tokens);
  }

  async endStreams(accountId: string, keyId: string): Promise<void> {
    if (this.#lifecycle.find(accountId).ok) {
      this.#keys.revoke(keyId);
    }
  }

  override fetch(request: Request): Promise<Response> {
    return this.#previewLog.watch(request, () => this.#door.answer(request));
  }

  override async alarm(): Promise<void> {
    await this.#lifecycle.alarm();
  }

  /** A container is healthy, perhaps after its supervisor was started anew. */
  async #settle(run: Run, launched: boolean): Promise<void> {
    if (launched) {
      await this.#lifecycle.apply({ type: "rouse" });
    }
    if (this.#record().services.length > 0) {
      await putServices(this.#runtime, run, this.#record());
    }
    this.#watch.start(run);
  }

  #lost(runId: string, cause: string): void {
    const at = Date.now();
    const savedAt = this.#store.loadFact("saved")?.at ?? null;
    const reason = this.#watch.hasSaved(runId, savedAt) ? SAVED_FIRST : cause;
    this.#store.saveFact("lastLoss", { at, reason, savedAt });
    this.#store.saveFact("ended", { at: new Date(at).toISOString(), reason: "lost", processes: [] });
    this.#lifecycle.inBackground("loss_not_noted", this.#lifecycle.apply({ type: "lost" }));
  }

  /** @throws Error for a session that is not there: whoever asks has found it before. */
  #record(): SessionRecord {
    const session = this.#lifecycle.session;
    if (session === null) {
      throw new Error("the session is gone");
    }
    return session.record;
  }

  #viewed(record: Result<SessionRecord>): Result<SessionView> {
    return record.ok ? ok(this.#view(record.value)) : record;
  }

  #view(record: SessionRecord): SessionView {
    return sessionView(record, visibleState(this.#lifecycle.state), this.env);
  }
}
