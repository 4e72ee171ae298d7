// What a session remembers beyond its files, in the demo: an interpreter's variables, and what was said. One half comes
// before its sleep, the other after it.
import assert from "node:assert/strict";
import { RunAnswer } from "../src/contract/context-run.ts";
import { Context } from "../src/contract/contexts.ts";
import { Appended, Replay } from "../src/contract/history.ts";
import type { Client } from "./client.ts";
import type { Step } from "./demo-life.ts";

/** Resolves with the context's id. */
export async function remember(client: Client, sessionId: string, step: Step): Promise<string> {
  const at = `/sessions/${sessionId}`;
  let contextId = "";

  await step("bind variables that the next run has", async () => {
    const context = await client.ask(Context, "POST", `${at}/contexts`, { language: "typescript", name: "notebook" });
    contextId = context.id;
    const run = `${at}/contexts/${contextId}/run`;
    await client.ask(RunAnswer, "POST", run, {
      code: "const fruit = new Map([['apple', 0.4]]); const price = (name: string) => fruit.get(name);",
    });
    const { results } = await client.ask(RunAnswer, "POST", run, {
      code: "fruit.set('mango', 1.9); price('mango')",
    });
    assert.equal(results[0]?.text, "1.9");
    return `two runs later, price("mango") is ${results[0].text}`;
  });

  await step("note what was said", async () => {
    const { items } = await client.ask(Appended, "POST", `${at}/messages`, {
      messages: [
        { type: "user_message", content: "What does a mango cost?" },
        { type: "agent_response", content: "1.90." },
      ],
    });
    return `messages ${items.map(({ eventIndex }) => eventIndex).join(" and ")} of its history, which needs no container`;
  });
  return contextId;
}

export async function recall(client: Client, sessionId: string, contextId: string, step: Step): Promise<void> {
  const at = `/sessions/${sessionId}`;

  await step("find the variables as they were before its sleep", async () => {
    const { results, dropped } = await client.ask(RunAnswer, "POST", `${at}/contexts/${contextId}/run`, {
      code: "[...fruit.keys()].map((name) => `${name} ${price(name)}`).join(', ')",
    });
    assert.deepEqual([results[0]?.json, dropped], ["apple 0.4, mango 1.9", []]);
    return `a map and a function that reads it: ${results[0]?.text}`;
  });

  await step("give a fresh agent what was said", async () => {
    const { text, events } = await client.ask(Replay, "GET", `${at}/replay?maxEvents=50&maxChars=12000`);
    assert.ok(text.includes("What does a mango cost?"), text);
    return `a replay of ${events} events, ${text.length} characters`;
  });
}
