// Output as server-sent events, in the words that the supervisor and a sleeping session share. Pure.
import type { OutputChunk } from "../contract/execute.ts";

export const EVENT_STREAM_HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache",
} as const;

export function isEventStream(response: Response): boolean {
  return response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
}

/** What a stream begins with, so that the client has the head of the answer at once; and what keeps it alive. */
export const COMMENT = ":\n\n";

export function eventText(name: string, data: unknown, id: number): string {
  return `event: ${name}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Base64 only where the bytes are not UTF-8. */
export function outputEvent({ seq, stream, data, encoding }: OutputChunk): string {
  if (stream === "result") {
    return resultEvent(seq, data);
  }
  return eventText(stream, encoding === "base64" ? { seq, data, encoding } : { seq, data }, seq);
}

/** `json`: of one Result, as its chunk holds it. */
export function resultEvent(seq: number, json: string): string {
  return `event: result\nid: ${seq}\ndata: {"seq":${seq},"result":${json}}\n\n`;
}
