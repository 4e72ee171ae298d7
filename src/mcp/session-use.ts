// The session that one call of a tool uses. The default one is made when it turns out not to be there: it is not asked
// for before, so that a call costs one round trip once it is.
import { SESSIONS } from "../contract/routes/sessions.ts";
import { ProblemError } from "../lib/problem-error.ts";
import type { Api } from "../lib/api.ts";
import type { DefaultSession } from "./connection.ts";

export interface SessionInUse {
  readonly api: Api;
  /** Id or name. */
  readonly ref: string;
}

export class SessionUse {
  readonly #api: Api;
  readonly #mayMake: boolean;
  readonly ref: string;
  #made = false;

  /** `chosen`: by the call itself. */
  constructor({ api, defaultSession }: { api: Api; defaultSession: DefaultSession }, chosen: string | undefined) {
    this.#api = api;
    this.ref = chosen ?? defaultSession.ref;
    this.#mayMake = chosen === undefined && defaultSession.made;
  }

  /** It was made for this call. */
  get wasMade(): boolean {
    return this.#made;
  }

  /** `work` does nothing before its first call of the session has succeeded, so it can be done again. */
  async run<T>(work: (session: SessionInUse) => Promise<T>): Promise<T> {
    const session = { api: this.#api, ref: this.ref };
    try {
      return await work(session);
    } catch (error) {
      if (!this.#mayMake || !(error instanceof ProblemError) || error.problem.code !== "session_not_found") {
        throw error;
      }
      await this.#make();
      return work(session);
    }
  }

  async #make(): Promise<void> {
    try {
      await this.#api.call(SESSIONS.createSession, { body: { name: this.ref, metadata: { madeBy: "mcp" } } });
      this.#made = true;
    } catch (error) {
      // Another call made it at the same time.
      if (!(error instanceof ProblemError) || error.problem.code !== "conflict") {
        throw error;
      }
    }
  }
}
