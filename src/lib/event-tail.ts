// The last of a stream of server-sent events, found as its bytes pass in pieces of any size. Holds one event at a time. Pure.
import { ERRORS } from "../contract/errors.ts";
import type { ErrorBody } from "../contract/errors.ts";

/** How an execute ended, as the event that ends its stream tells it. */
export interface Ending {
  readonly status: number;
  /** JSON. */
  readonly body: Uint8Array;
  /** Of the last output before it. What runs on in the background prints more. */
  readonly seq: number;
}

const ENDING = /^event: (exit|error)\nid: (\d+)\ndata: (.*)$/s;

export class EventTail {
  readonly #decoder = new TextDecoder();
  #last = "";
  #rest = "";

  add(bytes: Uint8Array): void {
    const events = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split("\n\n");
    this.#rest = events.pop() ?? "";
    this.#last = events.at(-1) ?? this.#last;
  }

  /** Null while the last event is another one, or is not complete. */
  ending(): Ending | null {
    const [, name, seq, data = ""] = (this.#rest === "" && ENDING.exec(this.#last)) || [];
    if (name === undefined) {
      return null;
    }
    // SAFETY: what follows `event: error` is a problem of ours.
    const status = name === "exit" ? 200 : ERRORS[(JSON.parse(data) as ErrorBody).error.code].status;
    return { status, body: new TextEncoder().encode(data), seq: Number(seq) };
  }
}
