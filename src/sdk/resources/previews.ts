// Tokens that open the private previews of a session.
import { pathOf } from "../address.ts";
import type { OfSession, Optional, Whose } from "../address.ts";
import type { CreatePreviewToken, NewPreviewToken, PreviewTokenList, PreviewTokenRevoked } from "../contract.ts";
import type { RequestOptions, Transport } from "../transport.ts";
import type { Paging } from "./execution.ts";

export class Previews<S extends Whose> {
  readonly #transport: Transport;
  readonly #own: string | null;

  constructor(transport: Transport, own: string | null) {
    this.#transport = transport;
    this.#own = own;
  }

  /** The token is in this answer only; `url` opens the preview with it. */
  createToken(...[input, options]: Optional<S, CreatePreviewToken, RequestOptions>): Promise<NewPreviewToken> {
    const { sessionId: _, ...json } = input ?? {};
    return this.#transport.json({ method: "POST", path: this.#path(input), json, options });
  }

  /** Those that have not expired, newest first, without the tokens themselves. */
  list(...[input, options]: Optional<S, Paging, RequestOptions>): Promise<PreviewTokenList> {
    const query = { limit: input?.limit, offset: input?.offset };
    return this.#transport.json({ method: "GET", path: this.#path(input), query, options });
  }

  /** It opens nothing from then on. */
  revoke(input: S & { readonly tokenId: string }, options?: RequestOptions): Promise<PreviewTokenRevoked> {
    const { tokenId } = input;
    const path = `${this.#path(input)}/${encodeURIComponent(tokenId)}`;
    return this.#transport.json({ method: "DELETE", path, gone: { revoked: true, tokenId }, options });
  }

  #path(input: Partial<OfSession> | undefined): string {
    return `${pathOf(this.#own, input)}/preview-tokens`;
  }
}
