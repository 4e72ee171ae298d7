// What runs in a session: its processes, and the services that are started on every wake.
import { pathOf } from "../address.ts";
import type { OfSession } from "../address.ts";
import type { ProcessList, ServiceInput, Session } from "../contract.ts";
import type { RequestOptions, Transport } from "../transport.ts";

export interface SetServices extends OfSession {
  /** In place of those before. Those that are new or differ are started anew. */
  readonly services: ServiceInput[];
}

export class Processes {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Running processes, services, and why the last container ended. */
  list(input: OfSession, options?: RequestOptions): Promise<ProcessList> {
    return this.#transport.json({ method: "GET", path: `${pathOf(null, input)}/processes`, options });
  }
}

export class Services {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  set({ sessionId, services }: SetServices, options?: RequestOptions): Promise<Session> {
    return this.#transport.json({ method: "PATCH", path: pathOf(null, { sessionId }), json: { services }, options });
  }
}
