// A session for each conversation: found again by its name, made when it is not there, with a history that is kept in it.
//   node examples/conversations.ts        (BUNTIME_BASE_URL and BUNTIME_API_KEY say which platform)
import { Buntime, BuntimeError } from "buntime";
import type { SessionHandle } from "buntime";

interface Turn {
  readonly code: string;
  readonly output: string;
}

/** What a chat server would hold: it keeps nothing itself, so any number of them may serve the same conversations. */
class Conversations {
  readonly #client: Buntime;

  constructor(client: Buntime) {
    this.#client = client;
  }

  /** Runs a turn where the conversation's earlier ones ran. */
  async run(conversation: string, code: string): Promise<string> {
    const session = await this.#open(conversation);
    const { stdout, stderr, exitCode } = await session.execute({ code });
    const output = exitCode === 0 ? stdout.trimEnd() : `failed: ${stderr.trimEnd()}`;
    const turns = [...(await this.#history(session)), { code, output }];
    await session.files.write({ path: HISTORY, content: JSON.stringify(turns) });
    return output;
  }

  async history(conversation: string): Promise<readonly Turn[]> {
    return await this.#history(await this.#open(conversation));
  }

  /** Names of all that are there, newest first. */
  async list(): Promise<string[]> {
    const { sessions } = await this.#client.sessions.list({ metadata: { kind: KIND } });
    return sessions.map(({ metadata }) => JSON.stringify(metadata["conversation"]));
  }

  async end(conversation: string): Promise<void> {
    await this.#client.sessions.delete({ sessionId: nameOf(conversation) });
  }

  async #open(conversation: string): Promise<SessionHandle> {
    const name = nameOf(conversation);
    try {
      return await this.#client.sessions.get({ sessionId: name });
    } catch (error) {
      if (!(error instanceof BuntimeError) || error.code !== "session_not_found") throw error;
    }
    try {
      return await this.#client.sessions.create({ name, ttl: 3600, metadata: { kind: KIND, conversation } });
    } catch (error) {
      // Another server was faster.
      if (error instanceof BuntimeError && error.code === "conflict") {
        return await this.#client.sessions.get({ sessionId: name });
      }
      throw error;
    }
  }

  async #history(session: SessionHandle): Promise<Turn[]> {
    try {
      return JSON.parse(await session.files.read({ path: HISTORY, as: "text" })) as Turn[];
    } catch (error) {
      if (error instanceof BuntimeError && error.code === "file_not_found") return [];
      throw error;
    }
  }
}

const KIND = "conversation";
const HISTORY = ".history.json";
const nameOf = (conversation: string): string => `conversation-${conversation}`;

const conversations = new Conversations(new Buntime());

// Two people talk at the same time. Neither sees the other's files.
await Promise.all([
  conversations.run("ada", `await Bun.write("n.txt", "36"); console.log("kept")`),
  conversations.run("bob", `await Bun.write("n.txt", "7"); console.log("kept")`),
]);
const addSix = `console.log(Number(await Bun.file("n.txt").text()) + 6)`;
console.log("ada:", await conversations.run("ada", addSix));
console.log("bob:", await conversations.run("bob", addSix));
console.log("open:", (await conversations.list()).toSorted().join(", "));

for (const { code, output } of await conversations.history("ada")) console.log(`  ${code}  →  ${output}`);

await Promise.all([conversations.end("ada"), conversations.end("bob")]);
console.log("open:", (await conversations.list()).length);
