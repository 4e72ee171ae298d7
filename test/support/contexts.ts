// A context of a session, over HTTP.
import type * as z from "zod";
import type { Client } from "../../scripts/client.ts";
import { RunAnswer } from "../../src/contract/context-run.ts";
import type { RunRequest } from "../../src/contract/context-run.ts";
import { Context, ContextList } from "../../src/contract/contexts.ts";
import type { ContextLanguage, CreateContext } from "../../src/contract/contexts.ts";

export class TestContext {
  readonly id: string;
  readonly path: string;
  readonly #client: Client;

  constructor(client: Client, sessionId: string, { id }: Context) {
    this.id = id;
    this.path = `/sessions/${sessionId}/contexts/${id}`;
    this.#client = client;
  }

  run(code: string, options: Omit<z.input<typeof RunRequest>, "code"> = {}): Promise<RunAnswer> {
    return this.#client.ask(RunAnswer, "POST", `${this.path}/run`, { code, ...options });
  }

  /** The plain form of the value of its last expression. @throws where the code failed, or has no value */
  async value(code: string): Promise<string> {
    const answer = await this.run(code);
    const main = answer.results.find((result) => result.main);
    if (main === undefined) throw new Error(`no value of ${code}: ${JSON.stringify(answer)}`);
    return main.text;
  }

  info(): Promise<Context> {
    return this.#client.ask(Context, "GET", this.path);
  }
}

export async function newContext(
  client: Client,
  sessionId: string,
  body: z.input<typeof CreateContext>,
): Promise<TestContext> {
  return new TestContext(client, sessionId, await client.ask(Context, "POST", contextsOf(sessionId), body));
}

export function listContexts(client: Client, sessionId: string): Promise<ContextList> {
  return client.ask(ContextList, "GET", contextsOf(sessionId));
}

export function contextsOf(sessionId: string): string {
  return `/sessions/${sessionId}/contexts`;
}

/** Those that the machine of the sessions can run. */
export async function languagesOf(client: Client): Promise<ContextLanguage[]> {
  const { exitCode } = await client.execute({ command: "command -v python3" });
  return exitCode === 0 ? ["javascript", "typescript", "python"] : ["javascript", "typescript"];
}
