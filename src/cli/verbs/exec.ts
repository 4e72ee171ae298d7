// `buntime exec`: a command in a session, as if it ran here.
import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { runAttached } from "../attached.ts";
import { connect } from "../client.ts";
import type { Connection } from "../client.ts";
import { usage } from "../failure.ts";
import { print, printJson } from "../output.ts";
import { examples } from "../program.ts";
import { commandLine, quote } from "../shell-words.ts";
import { isPiped, readStdin } from "../stdin.ts";
import { pair, seconds } from "../values.ts";
import { putFile } from "../raw-files.ts";

interface Options {
  readonly shell?: string;
  readonly env?: Record<string, string>;
  readonly workdir?: string;
  readonly timeout?: number;
  readonly detach?: true;
  readonly stdin: boolean;
}

export function define(exec: Command): void {
  exec
    .argument("<session>", "its id or name")
    .argument("[command...]", "after `--`: a program and its arguments, passed on as they are")
    .usage("[options] <session> -- <program> [arguments]")
    .description(
      "Run a command in a session, as if it ran here: what is piped in is its stdin, its stdout and stderr come out as they " +
        "are, and its exit code is that of buntime. Ctrl-C ends it in the session. It goes on where the connection drops.",
    )
    .option("-c, --shell <line>", "a line for sh, with its pipes and variables, in place of a program")
    .option("-e, --env <NAME=value>", "a variable; may be given again", pair)
    .option("-w, --workdir <path>", "where it runs (default: /workspace)")
    .option("-t, --timeout <time>", "end it after this time (default: the session's, 30s)", seconds)
    .option("-d, --detach", "do not wait for it; print the id of its execution")
    .option("-n, --no-stdin", "do not read stdin, even if something is piped in")
    .addHelpText(
      "after",
      "\nExit codes: the command's own; 128 + n where signal n ended it; 124 where it took too long.\n" +
        examples(
          "$ buntime exec my-agent -- bun test",
          "$ buntime exec my-agent -c 'ls | wc -l'",
          "$ buntime exec my-agent -- sort < names.txt > sorted.txt",
          "$ buntime exec -d my-agent -- bun server.ts",
        ),
    )
    .action(run);
}

async function run(sessionId: string, words: readonly string[], options: Options, command: Command): Promise<void> {
  if ((words.length === 0) === (options.shell === undefined)) {
    throw usage("give either a program after `--` or a line with -c", "Such as `buntime exec my-agent -- ls -l`.");
  }
  const line = options.shell ?? commandLine(words);
  const [connection, stdin] = await Promise.all([
    connect(command),
    options.stdin && isPiped() ? readStdin() : ({ kind: "none" } as const),
  ]);
  const { client, json } = connection;
  const { env, workdir, timeout } = options;
  const request = {
    sessionId,
    ...(env === undefined ? {} : { env }),
    ...(workdir === undefined ? {} : { workingDir: workdir }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(stdin.kind === "text" ? { stdin: stdin.text } : {}),
    command: stdin.kind === "bytes" ? await sendAhead(connection, sessionId, stdin.bytes, line) : line,
  };
  if (options.detach === true) {
    const { executionId, pid } = await client.execute({ ...request, background: true });
    if (json) printJson({ executionId, pid });
    else print(executionId);
    return;
  }
  process.exitCode = await runAttached(connection, request);
}

/** Bytes as a hidden file that is gone as soon as the command has it open. @returns the command that reads from it */
async function sendAhead(
  { settings }: Connection,
  sessionId: string,
  bytes: AsyncIterable<Uint8Array>,
  line: string,
): Promise<string> {
  const letters = [...randomBytes(20)].map((byte) => (byte % 36).toString(36)).join("");
  // Named like the running code of an execution, which is left out of lists, archives and snapshots.
  const path = `/workspace/.exe_${letters}.stdin`;
  await putFile(settings, { sessionId, path, body: bytes });
  return `exec <${quote(path)}; rm -f ${quote(path)}; ${line}`;
}
