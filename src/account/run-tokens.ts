// Tokens that runs of code are lent. They are signed and kept nowhere: there are as many as there are runs, and each is worth
// nothing a minute after its run. What signs them is made with the first one and goes with the account.
import { unsignedRunToken } from "../contract/run-token.ts";
import type { RunGrant, RunToken } from "../contract/run-token.ts";
import type { Database } from "./database.ts";

const SECRET_BYTES = 32;
const ALGORITHM = { name: "HMAC", hash: "SHA-256" } as const;

export class RunTokens {
  readonly #database: Database;
  readonly #accountId: string;
  #secret: CryptoKey | null = null;

  constructor(database: Database, accountId: string) {
    this.#database = database;
    this.#accountId = accountId;
  }

  async lend(grant: RunGrant): Promise<string> {
    const secret = (await this.#key()) ?? (await this.#begin());
    const text = unsignedRunToken(this.#accountId, grant);
    return text + new Uint8Array(await crypto.subtle.sign(ALGORITHM, secret, bytesOf(text))).toHex();
  }

  /** In constant time. */
  async isSigned({ signed, signature }: RunToken): Promise<boolean> {
    const secret = await this.#key();
    return secret !== null && crypto.subtle.verify(ALGORITHM, secret, Uint8Array.fromHex(signature), bytesOf(signed));
  }

  /** Null: none was ever made. */
  async #key(): Promise<CryptoKey | null> {
    if (!this.#database.ready) {
      return null;
    }
    if (this.#secret === null) {
      const [row] = this.#database.exec<{ value: ArrayBuffer }>("SELECT value FROM run_secret");
      if (row === undefined) {
        return null;
      }
      this.#secret = await crypto.subtle.importKey("raw", row.value, ALGORITHM, false, ["sign", "verify"]);
    }
    return this.#secret;
  }

  /** Of two at the same time both get what the first one has made. */
  async #begin(): Promise<CryptoKey> {
    this.#database.prepare();
    const made = crypto.getRandomValues(new Uint8Array(SECRET_BYTES)).buffer;
    this.#database.exec("INSERT OR IGNORE INTO run_secret (id, value) VALUES (1, ?)", made);
    const secret = await this.#key();
    if (secret === null) {
      throw new Error("the account was deleted just now");
    }
    return secret;
  }
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
