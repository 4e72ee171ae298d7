// What a session remembers beyond its files, as an entry of its own: `import { Memory } from "buntime/memory"`.
import { transportOf } from "../settings.ts";
import type { BuntimeOptions } from "../settings.ts";
import { Contexts } from "./contexts.ts";
import { History } from "./history.ts";
import { Messages } from "./messages.ts";

export { ContextHandle } from "./context-handle.ts";
export type { RunOptions } from "./context-handle.ts";
export type { OfContext, RunInput } from "./contexts.ts";
export type { EventFilter, EventPaging, OfThread, ReplayInput } from "./history.ts";
export type { ListMessages } from "./messages.ts";
export type { ListThreads, OfOneThread } from "./threads.ts";
export type { ResultEvent, RunEvent, RunStream, RunStreamOptions } from "./run-stream.ts";

export class Memory {
  readonly contexts: Contexts;
  readonly history: History;
  readonly messages: Messages;

  /** @throws BuntimeError `invalid_request` for a base URL or a number that is none */
  constructor(options: BuntimeOptions = {}) {
    const transport = transportOf(options);
    this.contexts = new Contexts(transport);
    this.history = new History(transport);
    this.messages = new Messages(transport);
  }
}
