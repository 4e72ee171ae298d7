// Events of the account, followed as they happen.
import type { Event, EventType } from "../contract.ts";
import { follow } from "../follow.ts";
import type { RequestOptions, Transport } from "../transport.ts";

export interface FollowEvents {
  /** Begin after the event with this id. Default: with the next one that happens. */
  readonly after?: string | undefined;
  /** Default: all. */
  readonly types?: readonly EventType[] | undefined;
}

export class Events {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Never ends by itself: after a connection that broke it goes on behind the last event. `signal`, or `break`, ends it. */
  follow({ after, types }: FollowEvents = {}, options?: RequestOptions): AsyncGenerator<Event, void> {
    return follow(this.#transport, "/events", { types: types?.join(","), after }, options);
  }
}
