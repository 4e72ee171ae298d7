// Who may see a session's previews. A private one is opened by tokens, each for one port and until a time; only their
// SHA-256 is stored. Nothing here wakes a session or counts as its activity.
import { parseDuration } from "../contract/duration.ts";
import { newId, PREVIEW_TOKEN, previewLabel, randomText } from "../contract/ids.ts";
import { PREVIEW_TOKENS } from "../contract/limits.ts";
import type { CreatePreviewToken, NewPreviewToken, PreviewToken, PreviewTokenList } from "../contract/preview.ts";
import { publicOrigin } from "../env.ts";
import type { Env } from "../env.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Right } from "./key-rights.ts";
import type { OpenedPreview } from "./rpc.ts";

/** What a visitor was let in with. */
export interface Admission extends Right {
  /** Null: nothing, since the previews are public. */
  readonly token: string | null;
}

const TOKEN_FAREWELL = "the preview token has expired or was revoked";
const PUBLIC_FAREWELL = "the preview is private now";

interface Row extends Record<string, SqlStorageValue> {
  readonly id: string;
  readonly hash: ArrayBuffer;
  readonly port: number;
  readonly label: string | null;
  readonly created_at: number;
  readonly expires_at: number;
}

export class PreviewAccess {
  readonly #env: Env;
  readonly #lifecycle: Lifecycle;
  readonly #sql: SqlStorage;
  /** Of tokens that somebody was let in with. In memory: what they opened is gone with this object as well. */
  readonly #revocations = new Map<string, AbortController>();
  /** Of who was let in because the previews were public. */
  #public = new AbortController();

  constructor(env: Env, own: { readonly lifecycle: Lifecycle; readonly sql: SqlStorage }) {
    this.#env = env;
    this.#lifecycle = own.lifecycle;
    this.#sql = own.sql;
  }

  async create(accountId: string, request: CreatePreviewToken): Promise<Result<NewPreviewToken>> {
    const { token, id, hash } = await newToken();
    const session = this.#lifecycle.find(accountId);
    if (!session.ok) {
      return session;
    }
    const now = Date.now();
    for (const { id: expired } of this.#sql.exec<{ id: string }>(
      "DELETE FROM preview_token WHERE expires_at <= ? RETURNING id",
      now,
    )) {
      this.#revocations.delete(expired);
    }
    const { held } = this.#sql.exec<{ held: number }>("SELECT count(*) AS held FROM preview_token").one();
    if (held >= PREVIEW_TOKENS.most) {
      return fail("conflict", `This session has ${held} preview tokens, which is the most. Revoke one first.`);
    }
    const { port } = request;
    const row: Row = {
      id,
      hash,
      port,
      label: request.label ?? null,
      created_at: now,
      expires_at: now + (parseDuration(request.expiresIn) ?? 0),
    };
    this.#sql.exec(
      "INSERT INTO preview_token (id, hash, port, label, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
      row.id,
      row.hash,
      row.port,
      row.label,
      row.created_at,
      row.expires_at,
    );
    const origin = publicOrigin(previewLabel(session.value.record.id, port), this.#env.DOMAIN);
    return ok({ ...view(row), token, url: `${origin}/?token=${token}` });
  }

  list(
    accountId: string,
    { limit, offset }: { readonly limit: number; readonly offset: number },
  ): Result<PreviewTokenList> {
    const session = this.#lifecycle.find(accountId);
    if (!session.ok) {
      return session;
    }
    const rows = this.#sql
      .exec<Row>("SELECT * FROM preview_token WHERE expires_at > ? ORDER BY created_at DESC, id DESC", Date.now())
      .toArray();
    return ok({ tokens: rows.slice(offset, offset + limit).map(view), total: rows.length });
  }

  revoke(accountId: string, tokenId: string): Result<{ revoked: true; tokenId: string }> {
    const session = this.#lifecycle.find(accountId);
    if (!session.ok) {
      return session;
    }
    const removed = this.#sql.exec(
      "DELETE FROM preview_token WHERE id = ? AND expires_at > ? RETURNING id",
      tokenId,
      Date.now(),
    );
    if (removed.toArray().length === 0) {
      return fail("not_found", `There is no preview token ${tokenId} in this session. It may have expired; list them.`);
    }
    this.#revocations.get(tokenId)?.abort();
    this.#revocations.delete(tokenId);
    return ok({ revoked: true, tokenId });
  }

  /** The session was changed. Where its previews are private now, what was opened while they were not is closed. */
  changed(): void {
    if (this.#lifecycle.session?.record.preview === "private") {
      this.#public.abort();
      this.#public = new AbortController();
    }
  }

  async admit(port: number, tokens: readonly string[]): Promise<Result<Admission>> {
    const session = this.#lifecycle.find(null);
    if (!session.ok) {
      return session;
    }
    if (session.value.record.preview !== "private") {
      const { signal: revoked } = this.#public;
      return ok({ token: null, expiresAt: Number.POSITIVE_INFINITY, revoked, farewell: PUBLIC_FAREWELL });
    }
    for (const token of tokens) {
      const admission = await this.#admission(port, token);
      if (admission !== null) {
        return ok(admission);
      }
    }
    return fail(
      "unauthorized",
      `This preview is private. Ask the session's owner for a link, or send a preview token for port ${port} as X-Preview-Token.`,
    );
  }

  async open(port: number, tokens: readonly string[]): Promise<Result<OpenedPreview>> {
    const admission = await this.admit(port, tokens);
    if (!admission.ok) {
      return admission;
    }
    const { token, expiresAt } = admission.value;
    return ok({ token, expiresAt: token === null ? null : expiresAt });
  }

  async #admission(port: number, token: string): Promise<Admission | null> {
    const hash = await hashOf(token);
    // Read after the wait: what was revoked or erased meanwhile opens nothing.
    if (!this.#lifecycle.find(null).ok) {
      return null;
    }
    const id = `pvt_${PREVIEW_TOKEN.exec(token)?.[1] ?? ""}`;
    const row = this.#sql.exec<Row>("SELECT * FROM preview_token WHERE id = ?", id).toArray()[0];
    const known = crypto.subtle.timingSafeEqual(hash, row?.hash ?? NO_HASH);
    if (row === undefined || !known || row.port !== port || row.expires_at <= Date.now()) {
      return null;
    }
    const revocation = this.#revocations.get(id) ?? new AbortController();
    this.#revocations.set(id, revocation);
    return { token, expiresAt: row.expires_at, revoked: revocation.signal, farewell: TOKEN_FAREWELL };
  }
}

/** Held against where there is no token, so that both take as long. */
const NO_HASH = new ArrayBuffer(32);

/** The id in the token finds its row; what follows is the secret, 165 bits of it. */
async function newToken(): Promise<{ readonly token: string; readonly id: string; readonly hash: ArrayBuffer }> {
  const id = newId("pvt");
  const token = `btp_${id.slice("pvt_".length)}${randomText(32)}`;
  return { token, id, hash: await hashOf(token) };
}

function hashOf(token: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
}

function view({ id, port, label, created_at, expires_at }: Row): PreviewToken {
  return {
    tokenId: id,
    port,
    label,
    createdAt: new Date(created_at).toISOString(),
    expiresAt: new Date(expires_at).toISOString(),
  };
}
