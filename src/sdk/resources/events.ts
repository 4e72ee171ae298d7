// Events of the account, followed as they happen.
import { errorOfCause } from "../answer.ts";
import type { Event, EventType } from "../contract.ts";
import { pause } from "../pause.ts";
import { readEvents } from "../server-sent-events.ts";
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
  async *follow({ after, types }: FollowEvents = {}, options?: RequestOptions): AsyncGenerator<Event, void> {
    let last = after;
    for (let attempt = 1; ;) {
      try {
        const query = { after: last, types: types?.join(",") };
        const headers = { accept: "text/event-stream" };
        const response = await this.#transport.send({ method: "GET", path: "/events", query, headers, options });
        for await (const { id, data } of readEvents(response)) {
          const event = JSON.parse(data) as Event;
          last = id;
          attempt = 1;
          yield event;
        }
        // The platform ends a stream after a while, for it to be opened again.
        await pause(this.#transport.retryDelay, options?.signal);
      } catch (cause) {
        const error = errorOfCause(cause, options?.signal);
        await this.#transport.backOff({ attempt: attempt++, error, repeatable: true, spent: false }, options?.signal);
      }
    }
  }
}
