// The history of a conversation, as Agentbase gives it: all of it at once, without ids and times.
import { HISTORY } from "../contract/limits.ts";
import type { MessagePage } from "../contract/history.ts";
import { describe, logError } from "../lib/log.ts";
import { openStream } from "../lib/open-stream.ts";
import { ROUTES } from "../contract/routes.ts";
import type { Api } from "../lib/api.ts";

const EVERYTHING = { type: undefined, sender: undefined, after: undefined } as const;

/** What had been said when it was asked, oldest first, as it is read: a long history is never held as a whole. @throws ProblemError */
export async function getMessages(api: Api, id: string): Promise<Response> {
  const read = (query: { limit: string; order?: "desc"; cursor?: string | undefined }): Promise<MessagePage> =>
    api.call(ROUTES.listMessages, { params: { id }, query: { ...EVERYTHING, ...query } });
  const newest = await read({ order: "desc", limit: "1" });
  const pages = pagesUpTo(newest.items[0]?.eventIndex ?? 0, (cursor) => read({ limit: String(HISTORY.page), cursor }));
  const body = await openStream(jsonOf(pages), (error) =>
    logError("agentbase_messages_failed", { session: id, reason: describe(error) }),
  );
  return new Response(body, { headers: { "content-type": "application/json" } });
}

/** @throws ProblemError */
export async function clearMessages(api: Api, id: string): Promise<Response> {
  await api.call(ROUTES.clearMessages, { params: { id }, query: {} });
  return Response.json({ success: true, message: "Messages cleared" });
}

type Items = MessagePage["items"];

async function* pagesUpTo(
  last: number,
  read: (cursor: string | undefined) => Promise<MessagePage>,
): AsyncGenerator<Items, void> {
  let { items, nextCursor } = await read(undefined);
  for (;;) {
    const wanted = items.filter(({ eventIndex }) => eventIndex <= last);
    yield wanted;
    if (nextCursor === null || wanted.length < items.length) {
      return;
    }
    ({ items, nextCursor } = await read(nextCursor));
  }
}

async function* jsonOf(pages: AsyncIterable<Items>): AsyncGenerator<Uint8Array, void> {
  const encoder = new TextEncoder();
  let before = "[";
  for await (const items of pages) {
    if (items.length > 0) {
      const text = items.map(({ type, content }) => JSON.stringify({ type, content })).join(",");
      yield encoder.encode(before + text);
      before = ",";
    }
  }
  yield encoder.encode(before === "[" ? "[]" : "]");
}
