// What was said in a session: the messages among the events of its history.
import { pathOf } from "../address.ts";
import type { Appended, HistoryCleared, MessagePage, MessageType, NewMessage } from "../contract.ts";
import type { RequestOptions, Transport } from "../transport.ts";
import { pageQuery, withId } from "./history.ts";
import type { EventFilter, EventPaging, OfThread } from "./history.ts";

export interface ListMessages extends OfThread, EventFilter, EventPaging {
  /** Default: all. */
  readonly types?: readonly MessageType[] | undefined;
}

export class Messages {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Appends messages, all or none; see `history.append`. */
  add(
    { sessionId, thread, messages }: OfThread & { readonly messages: readonly NewMessage[] },
    options?: RequestOptions,
  ): Promise<Appended> {
    const json = { thread, messages: messages.map(withId) };
    const path = `${pathOf(null, { sessionId })}/messages`;
    return this.#transport.json({ method: "POST", path, json, repeatable: true, options });
  }

  list(input: ListMessages, options?: RequestOptions): Promise<MessagePage> {
    const path = `${pathOf(null, input)}/messages`;
    return this.#transport.json({ method: "GET", path, query: pageQuery(input), options });
  }

  /** Deletes a thread's messages, and no other events. */
  clear(input: OfThread, options?: RequestOptions): Promise<HistoryCleared> {
    const path = `${pathOf(null, input)}/messages`;
    return this.#transport.json({ method: "DELETE", path, query: { thread: input.thread }, options });
  }
}
