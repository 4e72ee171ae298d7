// An agent: a model that may run code in a session until it has an answer.
//   node examples/agent.ts "your question"
// BUNTIME_BASE_URL and BUNTIME_API_KEY say which platform. The model is asked by Anthropic's Messages API:
// ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL (default https://api.anthropic.com), and ANTHROPIC_MODEL, which model.
import { Buntime } from "buntime";
import type { SessionHandle } from "buntime";

type Block =
  | { readonly type: "text"; readonly text: string }
  | {
      readonly type: "tool_use";
      readonly id: string;
      readonly name: string;
      readonly input: { readonly code?: unknown };
    }
  | {
      readonly type: "tool_result";
      readonly tool_use_id: string;
      readonly content: string;
      readonly is_error: boolean;
    };

interface Message {
  readonly role: "user" | "assistant";
  readonly content: readonly Block[];
}

/** All that the loop knows of a model: another one, or a script in a test, is as good. */
interface Model {
  /** What it says next, after all that was said. */
  next(messages: readonly Message[]): Promise<readonly Block[]>;
}

const RUN_CODE = {
  name: "run_code",
  description:
    "Run TypeScript with Bun on a machine of your own. Files stay between calls, variables do not. Packages that are " +
    "imported are installed. Print what you want to see.",
  input_schema: { type: "object", properties: { code: { type: "string" } }, required: ["code"] },
};

class AnthropicModel implements Model {
  readonly #url = new URL("/v1/messages", process.env["ANTHROPIC_BASE_URL"] ?? "https://api.anthropic.com");

  async next(messages: readonly Message[]): Promise<readonly Block[]> {
    const response = await fetch(this.#url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-api-key": process.env["ANTHROPIC_API_KEY"] ?? "",
        "anthropic-version": "2023-06-01",
      },
      body: JSON.stringify({ model: process.env["ANTHROPIC_MODEL"], max_tokens: 4096, tools: [RUN_CODE], messages }),
    });
    if (!response.ok) throw new Error(`the model answered ${response.status}: ${await response.text()}`);
    return ((await response.json()) as Message).content;
  }
}

/** A program that fails is something for the model to read, not an error of the loop. */
async function runCode(session: SessionHandle, id: string, code: unknown): Promise<Block> {
  if (typeof code !== "string") {
    return { type: "tool_result", tool_use_id: id, content: "`code` has to be a string", is_error: true };
  }
  const { stdout, stderr, exitCode, timedOut } = await session.execute({ code });
  const end = timedOut ? "it took too long" : `exit code ${exitCode}`;
  const content = `${stdout}${stderr}`.slice(0, 20_000);
  return { type: "tool_result", tool_use_id: id, content: `${content}\n[${end}]`, is_error: exitCode !== 0 };
}

const MOST_TURNS = 20;

async function answer(question: string, model: Model, session: SessionHandle): Promise<string> {
  const messages: Message[] = [{ role: "user", content: [{ type: "text", text: question }] }];
  for (let turn = 0; turn < MOST_TURNS; turn++) {
    const content = await model.next(messages);
    messages.push({ role: "assistant", content });
    const results: Block[] = [];
    for (const block of content) {
      if (block.type !== "tool_use") continue;
      console.log(`> ${String(block.input.code).trim()}`);
      results.push(await runCode(session, block.id, block.input.code));
    }
    if (results.length === 0) return content.map((block) => (block.type === "text" ? block.text : "")).join("");
    messages.push({ role: "user", content: results });
  }
  throw new Error(`no answer after ${MOST_TURNS} turns`);
}

await using session = await new Buntime().sessions.create({ ttl: 3600 });
console.log(await answer(process.argv[2] ?? "What is the 20th prime number?", new AnthropicModel(), session));
