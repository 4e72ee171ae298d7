// Server-sent events that never end by themselves, followed over connections that do.
import { errorOfCause } from "./answer.ts";
import { pause } from "./pause.ts";
import { EventParser, readEvents } from "./server-sent-events.ts";
import type { Query, RequestOptions, Transport } from "./transport.ts";

/**
 * After a connection that broke it goes on behind the last event. `signal`, or `break`, ends it. `query.after`: the id to
 * begin after; undefined: with the next event.
 */
export async function* follow<T>(
  transport: Transport,
  path: string,
  query: Query,
  options: RequestOptions | undefined,
): AsyncGenerator<T, void> {
  let { after } = query;
  for (let attempt = 1; ;) {
    const parser = new EventParser();
    try {
      const response = await transport.send({ method: "GET", path, query: { ...query, after }, options });
      for await (const { id, data } of readEvents(response, parser)) {
        const event = JSON.parse(data) as T;
        after = id;
        attempt = 1;
        yield event;
      }
      // The platform ends a stream after a while, for it to be opened again.
      await pause(transport.retryDelay, options?.signal);
    } catch (cause) {
      const error = errorOfCause(cause, options?.signal);
      await transport.backOff({ attempt: attempt++, error, repeatable: true, spent: false }, options?.signal);
    }
    // Before a first event the platform has said what it would come behind.
    after ??= parser.id;
  }
}
