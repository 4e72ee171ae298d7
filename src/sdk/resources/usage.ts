// What the account has used. The scope `admin` is needed.
import type { UsageReport } from "../contract.ts";
import type { RequestOptions, Transport } from "../transport.ts";
import type { Paging } from "./execution.ts";

export interface UsageInput extends Paging {
  /** The first UTC day, such as `2026-01-31`. Default: 29 days before `to`. */
  readonly from?: string | undefined;
  /** The last day. Default: today. */
  readonly to?: string | undefined;
  /** Default: `day`. */
  readonly by?: "session" | "day" | undefined;
}

export class Usage {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  get(input: UsageInput = {}, options?: RequestOptions): Promise<UsageReport> {
    const { from, to, by, limit, offset } = input;
    return this.#transport.json({ method: "GET", path: "/usage", query: { from, to, by, limit, offset }, options });
  }
}
