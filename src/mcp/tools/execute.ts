// Running things.
import * as z from "zod";
import { ExecuteAnswer, ExecuteRequest } from "../../contract/execute.ts";
import { EXECUTE } from "../../contract/routes/execute.ts";
import type { SessionInUse } from "../session-use.ts";
import { clip } from "../text.ts";
import { tool } from "../tool.ts";
import type { Answer, Tool } from "../tool.ts";

const { code, language, command, files, env, timeout, workingDir, stdin, background } = ExecuteRequest.shape;
const shared = { env, timeout, workingDir, stdin, background };
// What is byte-exact is for programs; `encoding` is always utf-8 here.
const { encoding: _, truncated: __, ...outcome } = ExecuteAnswer.shape;
const output = {
  ...outcome,
  truncated: z.boolean().meta({ description: "The middle of a stream was left out" }),
};
const annotations = { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true };
const HOW =
  "It answers when the program ends or, once it listens on a port, leaves it running in the background. A program that " +
  "fails is an answer with its exit code. For output that is longer than the answer shows, write it to a file and read that.";

export const executeTools: readonly Tool[] = [
  tool({
    name: "execute_code",
    title: "Execute code",
    description:
      "Run JavaScript, TypeScript, JSX or TSX with Bun in the session's Linux machine, as a new process in /workspace; or, " +
      "where the machine has it, code in another `language`. " +
      "Files and installed packages stay; variables do not. Packages that are imported are installed by themselves; " +
      `print what you want to see. ${HOW}`,
    input: { code: code.unwrap().meta({ ...code.meta() }), language, files, ...shared },
    output,
    annotations,
    run: execute,
  }),
  tool({
    name: "run_command",
    title: "Run a command",
    description: `Run a shell command (\`sh -c\`) in the session's Linux machine, in /workspace. ${HOW}`,
    input: { command: command.unwrap().meta({ ...command.meta() }), ...shared },
    output,
    annotations,
    run: execute,
  }),
];

async function execute(
  { api, ref }: SessionInUse,
  request: Omit<z.input<typeof ExecuteRequest>, "sessionId">,
): Promise<Answer<typeof output>> {
  const { encoding: _, ...answer } = await api.call(EXECUTE.execute, { body: { ...request, sessionId: ref } });
  const stdout = clip(answer.stdout);
  const stderr = clip(answer.stderr);
  const data = {
    ...answer,
    stdout: stdout.text,
    stderr: stderr.text,
    truncated: answer.truncated || stdout.clipped || stderr.clipped,
  };
  const parts = [ending(answer)];
  if (stdout.text !== "") {
    parts.push(`stdout:\n${stdout.text.replace(/\n$/, "")}`);
  }
  if (stderr.text !== "") {
    parts.push(`stderr:\n${stderr.text.replace(/\n$/, "")}`);
  }
  if (answer.filesWritten.length > 0) {
    parts.push(`Files written: ${clip(answer.filesWritten.join(", "), 2000).text}`);
  }
  return { text: parts.join("\n"), data };
}

function ending({
  background,
  pid,
  timedOut,
  exitCode,
  signal,
  executionTime,
  stdout,
  stderr,
}: Omit<ExecuteAnswer, "encoding">): string {
  const seconds = `${(executionTime / 1000).toFixed(2)} s`;
  const silent = stdout === "" && stderr === "" ? " It printed nothing." : "";
  if (background) {
    return `It runs in the background with pid ${pid}; kill_process ends it.${silent}`;
  }
  if (timedOut) {
    return `It was ended by its time-out after ${seconds}. Give a longer \`timeout\`, or \`background: true\`.${silent}`;
  }
  return exitCode === null
    ? `It was ended by ${signal} after ${seconds}.${silent}`
    : `Exit code ${exitCode}, ${seconds}.${silent}`;
}
