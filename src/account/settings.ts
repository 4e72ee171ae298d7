// What an account is: its plan, its own numbers, whether it is let in. The registry tells it; this is what counts for
// every request.
import type { OwnAccount } from "../contract/account.ts";
import { DEVELOPMENT_ACCOUNT } from "../contract/ids.ts";
import { PLANS } from "../contract/limits.ts";
import type { Plan } from "../contract/limits.ts";
import { developmentPlan } from "../env.ts";
import type { Env } from "../env.ts";
import type { Database } from "./database.ts";
import { planOf } from "./plan.ts";
import type { AccountSettings } from "./rpc.ts";

export class Settings {
  readonly #database: Database;
  readonly #development: Plan | null;
  #stored: AccountSettings | null;

  /** `accountId`: the name under which the object is addressed. */
  constructor(database: Database, env: Env, accountId: string | undefined) {
    this.#database = database;
    const plan = developmentPlan(env);
    // Of a variable that is no number, the front door tells whoever asks.
    this.#development = accountId === DEVELOPMENT_ACCOUNT ? (typeof plan === "string" ? PLANS.paid : plan) : null;
    const [row] = database.ready ? database.exec<{ value: string }>("SELECT value FROM settings") : [];
    // SAFETY: `save` is the only writer.
    this.#stored = row === undefined ? null : (JSON.parse(row.value) as AccountSettings);
  }

  /** Null: there is no such account. */
  get plan(): Plan | null {
    return this.#development ?? (this.#stored === null ? null : planOf(this.#stored));
  }

  get active(): boolean {
    return this.#development !== null || this.#stored?.status === "active";
  }

  /** What its owner sees of that. Null: there is no such account. */
  get view(): Pick<OwnAccount, "name" | "plan" | "limits" | "status"> | null {
    if (this.#development !== null) {
      return { name: "development", plan: "paid", limits: this.#development, status: "active" };
    }
    const stored = this.#stored;
    return stored === null
      ? null
      : { name: stored.name, plan: stored.plan, limits: planOf(stored), status: stored.status };
  }

  get stored(): AccountSettings | null {
    return this.#stored;
  }

  save(settings: AccountSettings): void {
    this.#database.prepare();
    this.#database.exec("INSERT OR REPLACE INTO settings (id, value) VALUES (1, ?)", JSON.stringify(settings));
    this.#stored = settings;
  }

  /** Before the database is erased. */
  forget(): void {
    this.#stored = null;
  }
}
