// The storage of one account: its values and objects, and the way to its SQL databases, which are objects of their own, so that
// what a query does cannot reach anything here. Its methods are those of storage.ts. It begins with the first thing that is written
// and ends with the account; whoever writes later finds the account closed.
import { DurableObject } from "cloudflare:workers";
import { accountOf } from "../account/rpc.ts";
import type { Env } from "../env.ts";
import { describe, logError } from "../lib/log.ts";
import { inParallel } from "../lib/parallel.ts";
import { fail } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { within } from "../lib/within.ts";
import { CALL_MS, DATABASE_BYTES, ERASED_AT_ONCE } from "./limits.ts";
import { sqlDatabaseOf } from "./rpc.ts";
import type { Entry, EntryInfo, EntryPage, NamespaceStats, Place, SqlAnswer, SqlQuery, StorageRpc } from "./storage.ts";
import { StorageStore } from "./store.ts";

const ASK_ACCOUNT_MS = 10_000;
const CLOSED = fail("forbidden", "This account is suspended, or being deleted. Ask the operator of this server.");
const SILENT = fail("storage_unavailable", "The account's storage does not answer. Try again in a moment.");

export class Storage extends DurableObject<Env> implements StorageRpc {
  readonly #accountId: string;
  readonly #store: StorageStore;
  /** On their way: none may arrive after its database was removed. */
  readonly #queries = new Set<{ readonly namespace: string; readonly running: Promise<unknown> }>();
  /** Databases that are being removed. */
  readonly #closing = new Set<string>();
  #erasing = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    if (ctx.id.name === undefined) {
      throw new Error("an account's storage is addressed by the account's id");
    }
    this.#accountId = ctx.id.name;
    this.#store = new StorageStore(ctx.storage);
  }

  async put(
    place: Place,
    content: { readonly bytes: Uint8Array; readonly metadata: string },
  ): Promise<Result<EntryInfo>> {
    return (await this.#refusal()) ?? this.#store.put(place, content, Date.now());
  }

  async get(place: Place): Promise<Entry | null> {
    return this.#store.get(place);
  }

  async remove(place: Place): Promise<boolean> {
    return this.#store.remove(place);
  }

  async list(...[place, page]: Parameters<StorageRpc["list"]>): Promise<EntryPage> {
    return this.#store.list(place, page);
  }

  async query(namespace: string, query: SqlQuery): Promise<Result<SqlAnswer>> {
    const refusal = await this.#refusal();
    if (refusal !== null) {
      return refusal;
    }
    if (this.#closing.has(namespace)) {
      return fail("conflict", `The database ${namespace} is being deleted. Try again in a moment.`);
    }
    const size = this.#store.databaseSize(namespace);
    const room = this.#store.roomFor({ kind: "d1", namespace }, 0);
    if (!room.ok) {
      return room;
    }
    if (size === null) {
      // Before it can hold anything, so that whatever it holds goes with the account.
      this.#store.noteDatabase(namespace, 0, Date.now());
    }
    const maxBytes = Math.min(DATABASE_BYTES, (size ?? 0) + room.value);
    const running = this.#run(namespace, query, maxBytes);
    const entry = { namespace, running };
    this.#queries.add(entry);
    try {
      return await running;
    } finally {
      this.#queries.delete(entry);
    }
  }

  async dropDatabase(namespace: string): Promise<boolean> {
    if (this.#store.databaseSize(namespace) === null) {
      return false;
    }
    this.#closing.add(namespace);
    try {
      const queries = [...this.#queries].filter((query) => query.namespace === namespace);
      await within(Promise.allSettled(queries.map(({ running }) => running)), CALL_MS);
      await within(sqlDatabaseOf(this.env, this.#accountId, namespace).erase(), CALL_MS);
      this.#store.forgetDatabase(namespace);
      return true;
    } finally {
      this.#closing.delete(namespace);
    }
  }

  async resources(query: Parameters<StorageRpc["resources"]>[0]): ReturnType<StorageRpc["resources"]> {
    return this.#store.resources(query);
  }

  async stats(): Promise<readonly NamespaceStats[]> {
    return this.#store.stats();
  }

  async erase(): Promise<void> {
    this.#erasing = true;
    try {
      await inParallel(this.#store.databases(), ERASED_AT_ONCE, (namespace) => this.dropDatabase(namespace));
      await this.#store.erase();
    } finally {
      this.#erasing = false;
    }
  }

  /** Whether nothing may be written. Asks the account where there is no storage yet, which may be because it was erased. */
  async #refusal(): Promise<ReturnType<typeof fail> | null> {
    if (this.#erasing) {
      return CLOSED;
    }
    if (this.#store.ready) {
      return null;
    }
    // Nothing else happens meanwhile: an end of the account that comes then finds what was written.
    return this.ctx.blockConcurrencyWhile(async () => {
      try {
        const { open } = await within(accountOf(this.env, this.#accountId).previewPolicy(), ASK_ACCOUNT_MS);
        if (open) {
          this.#store.prepare();
        }
        return open ? null : CLOSED;
      } catch (error) {
        logError("storage_not_begun", { accountId: this.#accountId, reason: describe(error) });
        return SILENT;
      }
    });
  }

  async #run(namespace: string, query: SqlQuery, maxBytes: number): Promise<Result<SqlAnswer>> {
    const answer = await sqlDatabaseOf(this.env, this.#accountId, namespace).run(query, { maxBytes });
    if (answer.ok) {
      this.#store.noteDatabase(namespace, answer.value.size, Date.now());
    }
    return answer;
  }
}
