// A model by script, behind Anthropic's Messages API on loopback: it first wants code to be run, and then answers with what
// that printed.
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import * as z from "zod";

const Request = z.object({
  model: z.string(),
  max_tokens: z.number(),
  tools: z.array(z.object({ name: z.string(), input_schema: z.object({ type: z.literal("object") }) })),
  messages: z.array(
    z.object({
      role: z.enum(["user", "assistant"]),
      content: z.union([
        z.string(),
        z.array(
          z.looseObject({ type: z.string(), tool_use_id: z.string().optional(), content: z.string().optional() }),
        ),
      ]),
    }),
  ),
});

export interface ModelServer {
  readonly url: string;
  /** Of the results that it was told, in order. */
  readonly told: readonly string[];
  close(): void;
}

/** @param scripts of its turns, one after the other; after the last it answers. */
export async function startModelServer(...scripts: readonly string[]): Promise<ModelServer> {
  const told: string[] = [];
  const answer = (asked: z.output<typeof Request>): object => {
    const last = asked.messages.at(-1)?.content;
    const result = Array.isArray(last) ? last.find(({ type }) => type === "tool_result") : undefined;
    if (result !== undefined) told.push(result.content ?? "");
    const turns = asked.messages.filter(({ role }) => role === "assistant").length;
    const code = scripts[turns];
    const [printed = ""] = (result?.content ?? "").split("\n");
    const content =
      code === undefined
        ? [{ type: "text", text: `The answer is ${printed}.` }]
        : [{ type: "tool_use", id: `toolu_${turns}`, name: asked.tools[0]?.name, input: { code } }];
    return { type: "message", role: "assistant", content, stop_reason: code === undefined ? "end_turn" : "tool_use" };
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const asked = Request.safeParse(await json(request).catch(() => null));
    response.statusCode = asked.success ? 200 : 400;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(asked.success ? answer(asked.data) : { error: z.prettifyError(asked.error) }));
  };
  const server = createServer((request, response) => void handle(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // SAFETY: it listens on TCP.
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, told, close: () => void server.close() };
}
