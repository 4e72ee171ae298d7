// Keys of the account. The scope `admin` is needed.
import type { CreateKey, KeyList, NewKey } from "../contract.ts";
import type { RequestOptions, Transport } from "../transport.ts";
import type { Paging } from "./execution.ts";

export interface OfKey {
  readonly keyId: string;
}

export class Keys {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** `key`, its text, is in this answer only. */
  create(input: CreateKey = {}, options?: RequestOptions): Promise<NewKey> {
    return this.#transport.json({ method: "POST", path: "/keys", json: input, options });
  }

  /** Newest first. */
  list(input: Paging = {}, options?: RequestOptions): Promise<KeyList> {
    const { limit, offset } = input;
    return this.#transport.json({ method: "GET", path: "/keys", query: { limit, offset }, options });
  }

  /** Gives it a new text. The old one is refused from now on. */
  rotate({ keyId }: OfKey, options?: RequestOptions): Promise<NewKey> {
    return this.#transport.json({ method: "POST", path: `/keys/${encodeURIComponent(keyId)}/rotate`, options });
  }

  /** Revokes it. The next request with it is refused. */
  delete({ keyId }: OfKey, options?: RequestOptions): Promise<{ deleted: true; id: string }> {
    const gone = { deleted: true, id: keyId } as const;
    return this.#transport.json({ method: "DELETE", path: `/keys/${encodeURIComponent(keyId)}`, gone, options });
  }
}
