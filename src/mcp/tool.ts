// What a tool is, and how its outcome becomes an MCP result: a failed program is an answer like any other, a refusal of
// the platform is an error that says what to do next.
import type { CallToolResult, McpServer, ToolAnnotations } from "@modelcontextprotocol/server";
import * as z from "zod";
import { ERRORS } from "../contract/errors.ts";
import type { ErrorCode, Problem } from "../contract/errors.ts";
import { SessionRef } from "../contract/session.ts";
import { describe, logError } from "../lib/log.ts";
import { ProblemError } from "../lib/problem-error.ts";
import type { Api } from "../lib/api.ts";
import type { DefaultSession } from "./connection.ts";
import { withJsonSchema } from "./json-schema.ts";
import { SessionUse } from "./session-use.ts";
import type { SessionInUse } from "./session-use.ts";

export interface ToolContext {
  readonly api: Api;
  readonly defaultSession: DefaultSession;
  readonly requestId: string;
}

interface Shape extends Readonly<Record<string, z.ZodType>> {}
type Input<I extends Shape> = z.output<z.ZodObject<I>>;
type Output<O extends Shape> = z.output<z.ZodObject<O>>;

/** What a tool found. `text` is for the model, `data` for programs. */
export interface Answer<O extends Shape> {
  readonly text: string;
  readonly data: Output<O>;
  /** Beside the text, such as an image. */
  readonly more?: CallToolResult["content"];
}

interface Definition<I extends Shape, O extends Shape> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Of the contract. `session` is added. */
  readonly input: I;
  /** Of the contract. `session` is added. */
  readonly output: O;
  readonly annotations: ToolAnnotations;
  run(session: SessionInUse, input: Input<I>): Promise<Answer<O>>;
}

export interface Tool {
  readonly name: string;
  register(server: McpServer, context: ToolContext): void;
}

const Session = SessionRef.optional().meta({
  description:
    "Id or name of another session than the default one, such as a fork. Leave it out to use the default session",
});

export function tool<const I extends Shape, const O extends Shape>(definition: Definition<I, O>): Tool {
  const { name, title, description, annotations } = definition;
  const inputSchema = withJsonSchema(z.strictObject({ ...definition.input, session: Session }));
  const outputSchema = withJsonSchema(
    z.object({ ...definition.output, session: z.string().meta({ description: "The session that was used" }) }),
  );
  return {
    name,
    register(server, context) {
      server.registerTool(
        name,
        { title, description, annotations: { title, ...annotations }, inputSchema, outputSchema },
        async (given: unknown) => {
          // SAFETY: the server has parsed it by the schema above.
          const { session, ...input } = given as Input<I> & { session?: string };
          const use = new SessionUse(context, session);
          // SAFETY: what is left once `session` is taken away.
          const run = (inUse: SessionInUse): Promise<Answer<O>> => definition.run(inUse, input as unknown as Input<I>);
          return outcome(context, use, run);
        },
      );
    },
  };
}

async function outcome<O extends Shape>(
  { requestId }: ToolContext,
  use: SessionUse,
  run: (session: SessionInUse) => Promise<Answer<O>>,
): Promise<CallToolResult> {
  try {
    const { text, data, more = [] } = await use.run(run);
    const note = use.wasMade ? `\n\n(Session ${use.ref} was made for this; its /workspace began empty.)` : "";
    return {
      content: [{ type: "text", text: text + note }, ...more],
      structuredContent: { ...data, session: use.ref },
    };
  } catch (error) {
    return refusal(error instanceof ProblemError ? error.problem : unexpected(error, requestId), requestId);
  }
}

/** What a model can do about it with these very tools, beside what the message says. */
const NEXT: Partial<Record<ErrorCode, string>> = {
  session_not_found: " Leave `session` out to use the default one.",
  file_not_found: " list_files shows what is there.",
  process_not_found: " list_processes shows what runs.",
  snapshot_not_found: " list_snapshots shows those that there are.",
};

function refusal({ code, message, details = {} }: Problem, requestId: string): CallToolResult {
  const entry: { status: number; retryAfterSeconds?: number } = ERRORS[code];
  const again = entry.retryAfterSeconds === undefined ? "" : ` Try again in ${entry.retryAfterSeconds} s.`;
  return {
    isError: true,
    content: [{ type: "text", text: `${code}: ${message}${NEXT[code] ?? ""}${again}` }],
    _meta: { "buntime/error": { code, message, details, requestId } },
  };
}

/** Its text is never told to a client. */
function unexpected(error: unknown, requestId: string): Problem {
  const stack = error instanceof Error ? error.stack : undefined;
  logError("unexpected", { requestId, url: "/mcp", reason: describe(error), stack });
  return { code: "internal_error", message: `Something went wrong here. Quote ${requestId} when you ask about it.` };
}
