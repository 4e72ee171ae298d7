// An agent of the Agent Client Protocol in the place of sandbox-agent's `mock`: that one repeats the messages it gets and
// gives its sessions no ids, which the client needs. This one answers a prompt with its own words, block by block.
import { createInterface } from "node:readline";

interface Message {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: { readonly sessionId?: string; readonly prompt?: readonly { readonly text?: string }[] };
}

const send = (message: object): boolean => process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);

function answer({ method, params }: Message): object {
  if (method === "initialize") return { protocolVersion: 1, agentCapabilities: {} };
  // Another one after each start, as with real agents.
  if (method === "session/new") return { sessionId: `agent-${crypto.randomUUID()}` };
  if (method !== "session/prompt") return {};
  const { sessionId, prompt = [] } = params ?? {};
  for (const { text } of prompt) {
    const update = { sessionUpdate: "agent_message_chunk", content: { type: "text", text: `heard: ${text}` } };
    send({ method: "session/update", params: { sessionId, update } });
  }
  return { stopReason: "end_turn" };
}

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line) as Message;
  const result = answer(message);
  if (message.id !== undefined) send({ id: message.id, result });
}
