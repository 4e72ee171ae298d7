// An agent in place of a real one: it does for each message what its script says, in a session, and keeps what was said and
// done as the session's messages, as any agent does that runs beside the platform.
import type { Buntime, CreateSession } from "../../src/sdk/index.ts";
import type { Memory } from "../../src/sdk/memory/index.ts";

type Messages = Memory["messages"];
type Message = Awaited<ReturnType<Messages["list"]>>["items"][number];
type NewMessage = Parameters<Messages["add"]>[0]["messages"][number];

/** By message: the command that does what it asks for. What is not in it is answered by words alone. */
export type Script = Readonly<Record<string, string>>;

interface AgentRun {
  readonly message: string;
  /** Absent: a new one. */
  readonly session?: string | undefined;
  readonly system?: string;
}

interface AgentAnswer {
  readonly session: string;
  readonly message: string;
}

export type RunAgent = (run: AgentRun) => Promise<AgentAnswer>;

export interface AgentParts {
  readonly client: Buntime;
  readonly memory: Memory;
  readonly script: Script;
  /** Told of each session that it makes. */
  readonly onSession: (sessionId: string) => void;
}

/** Its sessions get their containers on demand. */
export function agentWith({ client, memory, script, onSession }: AgentParts, creation: CreateSession = {}): RunAgent {
  return async ({ message, session, system }) => {
    const sessionId = session ?? (await client.sessions.create({ ...creation, container: "on-demand" })).id;
    if (session === undefined) {
      onSession(sessionId);
    }
    const say = async (...messages: NewMessage[]): Promise<void> => {
      await memory.messages.add({ sessionId, messages });
    };
    const said = { type: "user_message", content: message } as const;
    await say(system === undefined ? said : { ...said, metadata: { system } });
    const command = script[message];
    if (command === undefined) {
      const answer = `I have read: ${message}`;
      await say({ type: "agent_response", content: answer });
      return { session: sessionId, message: answer };
    }
    await say(
      { type: "agent_thinking", content: "A command does that." },
      { type: "agent_tool_use", content: JSON.stringify({ tool: "execute", input: { command } }) },
    );
    const { stdout, stderr, exitCode, executionId } = await client.execute({ sessionId, command });
    const answer = exitCode === 0 ? stdout.trim() : `It failed: ${stderr.trim()}`;
    await say(
      {
        type: "agent_tool_response",
        content: JSON.stringify({ tool: "execute", content: stdout }),
        metadata: { executionId, exitCode },
      },
      { type: "agent_response", content: answer, metadata: { mode: "fast", cost: "0.0012" } },
    );
    return { session: sessionId, message: answer };
  };
}

/** All of them, oldest first. */
export async function messagesOf(memory: Memory, sessionId: string): Promise<readonly Message[]> {
  const messages: Message[] = [];
  for (let cursor: string | undefined | null; cursor !== null;) {
    const page: Awaited<ReturnType<Messages["list"]>> = await memory.messages.list({ sessionId, cursor });
    messages.push(...page.items);
    cursor = page.nextCursor;
  }
  return messages;
}
