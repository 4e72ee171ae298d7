// An account's events: kept, told to those who follow them, and sent to its webhooks.
import { problemResponse } from "../contract/errors.ts";
import type { Event, EventType } from "../contract/events.ts";
import { creationEventId, newId } from "../contract/ids.ts";
import { LIMIT_TOLD_MS } from "../contract/limits.ts";
import { allowsPrivateWebhooks } from "../env.ts";
import type { Env } from "../env.ts";
import { describe, logError } from "../lib/log.ts";
import type { AccountAlarm } from "./alarm.ts";
import type { Database } from "./database.ts";
import { EventStreams } from "./event-streams.ts";
import { EventStore } from "./events-store.ts";
import type { DeliveryMessage, EmittedEvent, FollowOptions } from "./events-rpc.ts";
import { WebhookStore } from "./webhooks-store.ts";
import { Webhooks } from "./webhooks.ts";

export interface EventParts {
  readonly accountId: string;
  readonly database: Database;
  readonly alarm: AccountAlarm;
}

/** Of the queue. */
const MESSAGES_AT_ONCE = 100;

export class Events {
  readonly webhooks: Webhooks;
  readonly #store: EventStore;
  readonly #streams: EventStreams;
  /** When an event about a limit was last emitted, by its code. */
  readonly #limitsTold = new Map<string, number>();

  constructor(ctx: DurableObjectState, env: Env, { accountId, database, alarm }: EventParts) {
    this.#store = new EventStore(database);
    this.#streams = new EventStreams(this.#store);
    this.webhooks = new Webhooks(new WebhookStore(database), {
      accountId,
      rules: { allowPrivate: allowsPrivateWebhooks(env) },
      send: (messages) => ctx.waitUntil(intoQueue(env, messages)),
      wakeBy: (at) => ctx.waitUntil(alarm.by(at)),
    });
  }

  /** See EventsRpc. An event and its deliveries are stored in one turn: both, or neither. */
  emit(events: readonly EmittedEvent[]): void {
    const added = events.map((event) => this.#store.append(event)).filter((event) => event !== null);
    const last = added.at(-1);
    if (last !== undefined) {
      this.#store.tidy(last.seq, Date.now());
      this.webhooks.dispatch(added);
      this.#streams.wake();
    }
  }

  /** What the account itself knows to have happened just now. */
  note(type: EventType, sessionId: string | null, data: Event["data"] = {}): void {
    const id = type === "session.created" && sessionId !== null ? creationEventId(sessionId) : newId("evt");
    this.emit([{ id, type, at: Date.now(), sessionId, data }]);
  }

  /** A call was refused. Told once in a while, so that a client that goes on asking costs nothing. */
  limitExceeded(code: string, details: Event["data"] = {}): void {
    const now = Date.now();
    const last = this.#limitsTold.get(code);
    if (last === undefined || now - last >= LIMIT_TOLD_MS || now < last) {
      this.#limitsTold.set(code, now);
      this.note("limit.exceeded", null, { code, ...details });
    }
  }

  /** Ends the streams of a key that opens the account no longer; with null, of all keys. */
  endStreams(keyId: string | null): void {
    this.#streams.end(keyId);
  }

  async follow(options: FollowOptions): Promise<Response> {
    const stream = await this.#streams.open(options);
    return stream.ok
      ? new Response(stream.value, {
          headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" },
        })
      : problemResponse(stream.error);
  }
}

async function intoQueue(env: Env, messages: readonly DeliveryMessage[]): Promise<void> {
  try {
    for (let from = 0; from < messages.length; from += MESSAGES_AT_ONCE) {
      await env.EVENTS.sendBatch(messages.slice(from, from + MESSAGES_AT_ONCE).map((body) => ({ body })));
    }
  } catch (error) {
    // Found by the sweep.
    logError("delivery_not_queued", { accountId: messages[0]?.accountId, reason: describe(error) });
  }
}
