// The account of the key.
import type { OwnAccount } from "../contract.ts";
import type { RequestOptions, Transport } from "../transport.ts";

export class Account {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Its limits, and how much of them is used. */
  get(options?: RequestOptions): Promise<OwnAccount> {
    return this.#transport.json({ method: "GET", path: "/account", options });
  }
}
