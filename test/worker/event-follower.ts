// Follows an account's events as a client would, one after the other.
import { onTestFinished } from "vitest";
import type { EventType } from "../../src/contract/events.ts";
import { Event } from "../../src/contract/events.ts";
import { ask } from "./client.ts";

export interface Follower {
  /** The next event, or the next one of a session. */
  next(sessionId?: string): Promise<Event>;
  /** The types of the next `count` events of a session. */
  types(sessionId: string, count: number): Promise<EventType[]>;
  close(): Promise<void>;
}

/** Resolves when the account has begun to tell. */
export async function follow(query = "", headers: Readonly<Record<string, string>> = {}): Promise<Follower> {
  const response = await ask("GET", `/events${query}`, { headers });
  if (response.status !== 200 || response.body === null) {
    throw new Error(`GET /events answered ${response.status}: ${await response.text()}`);
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = (await reader.read()).value ?? "";
  const block = async (): Promise<string> => {
    for (;;) {
      const end = text.indexOf("\n\n");
      if (end >= 0) {
        const found = text.slice(0, end);
        text = text.slice(end + 2);
        return found;
      }
      const { done, value } = await reader.read();
      if (done) {
        throw new Error("the stream has ended");
      }
      text += value;
    }
  };
  const next = async (sessionId?: string): Promise<Event> => {
    for (;;) {
      const lines = (await block()).split("\n");
      const field = (name: string): string | undefined =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const data = field("data");
      const event = data === undefined ? null : Event.parse(JSON.parse(data));
      if (event !== null && (field("id") !== event.id || field("event") !== event.type)) {
        throw new Error(`the stream says ${lines.join(" ")}`);
      }
      if (event !== null && (sessionId === undefined || event.sessionId === sessionId)) {
        return event;
      }
    }
  };
  const close = (): Promise<void> => reader.cancel().catch(() => {});
  onTestFinished(close);
  return {
    next,
    async types(sessionId, count) {
      const types: EventType[] = [];
      while (types.length < count) {
        types.push((await next(sessionId)).type);
      }
      return types;
    },
    close,
  };
}
