// `buntime run`: a local file as a program in a session.
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { SOURCE_BYTES } from "../../contract/limits.ts";
import { runAttached } from "../attached.ts";
import { connect } from "../client.ts";
import { Failure, usage } from "../failure.ts";
import { note } from "../output.ts";
import { examples } from "../program.ts";
import { isPiped, readStdin } from "../stdin.ts";
import { pair, seconds } from "../values.ts";

interface Options {
  readonly session?: string;
  readonly env?: Record<string, string>;
  readonly timeout?: number;
  readonly stdin: boolean;
}

/** More than any execution takes. One that is left behind by a crash is gone after this. */
const ONE_SHOT_TTL_SECONDS = 900;
const ONE_SHOT = { ttl: ONE_SHOT_TTL_SECONDS, metadata: { createdBy: "buntime run" } } as const;
/** By the file's extension; every other is Bun's. */
const LANGUAGES = { ".py": "python", ".go": "go" } as const;

export function define(run: Command): void {
  run
    .argument("<file>", "TypeScript or JavaScript, also with JSX; .py and .go as well; `-` for stdin")
    .argument("[arguments...]", "what the program finds in process.argv")
    .usage("[options] <file>|- [arguments]")
    .description(
      "Run a local file in a session, as if it ran here. Packages that TypeScript and JavaScript import are installed. " +
        "Files beside it are not sent: copy them first with `buntime cp`. Without --session it runs in a session of its own, " +
        "which is deleted afterwards. " +
        "Python and Go need a session of the image polyglot, and take no arguments.",
    )
    .option("-s, --session <session>", "the session, by its id or name")
    .option("-e, --env <NAME=value>", "a variable; may be given again", pair)
    .option("-t, --timeout <time>", "end it after this time (default: the session's, 30s)", seconds)
    .option("-n, --no-stdin", "do not read stdin, even if something is piped in")
    .addHelpText(
      "after",
      "\nExit codes: the program's own; 128 + n where signal n ended it; 124 where it took too long.\n" +
        examples(
          "$ buntime run report.ts 2026-11",
          "$ echo 'console.log(Bun.version)' | buntime run -",
          "$ buntime run --session my-agent train.ts --epochs 3 < data.csv",
        ),
    )
    .action(start);
}

async function start(file: string, words: readonly string[], options: Options, command: Command): Promise<void> {
  const language = languageOf(file);
  if (language !== undefined && words.length > 0) {
    throw new Failure(`arguments cannot be given to a program in ${language}`, {
      hint: "Copy the file with `buntime cp`, and run it with `buntime exec`.",
    });
  }
  const source = file === "-" ? await wholeStdin() : await readSource(file);
  const stdin = file !== "-" && options.stdin && isPiped() ? await readStdin() : ({ kind: "none" } as const);
  if (stdin.kind === "bytes") {
    throw new Failure("what is piped into `run` has to be UTF-8 text of at most 4 MB", {
      hint: "Copy it with `buntime cp` and read the file, or pipe it into `buntime exec`.",
    });
  }
  const connection = await connect(command);
  const { env, timeout } = options;
  const own =
    options.session === undefined
      ? await connection.client.sessions.create({ ...ONE_SHOT, ...(language && { image: "polyglot" }) })
      : null;
  const sessionId = options.session ?? own?.id ?? "";
  try {
    const request = {
      sessionId,
      ...(language === undefined ? { code: withArguments(source, words) } : { code: source, language }),
      ...(env === undefined ? {} : { env }),
      ...(timeout === undefined ? {} : { timeout }),
      ...(stdin.kind === "text" ? { stdin: stdin.text } : {}),
    };
    process.exitCode = await runAttached(connection, request);
  } finally {
    await own?.delete().catch((error: unknown) => {
      note(`Session ${own.id} is left, for ${ONE_SHOT_TTL_SECONDS / 60} minutes at the most: ${String(error)}`);
    });
  }
}

function languageOf(file: string): (typeof LANGUAGES)[keyof typeof LANGUAGES] | undefined {
  const extension = path.extname(file);
  return extension in LANGUAGES ? LANGUAGES[extension as keyof typeof LANGUAGES] : undefined;
}

async function wholeStdin(): Promise<string> {
  if (process.stdin.isTTY) note("Type the program, and end it with Ctrl-D.");
  const stdin = await readStdin();
  if (stdin.kind !== "text") throw new Failure("the program on stdin is not UTF-8 text of at most 4 MB");
  return stdin.text;
}

async function readSource(file: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    throw missing ? usage(`there is no file ${file}`) : error;
  }
  if (bytes.length > SOURCE_BYTES) {
    throw new Failure(`${file} is larger than 4 MB`, {
      hint: "Copy it with `buntime cp`, and run it with `buntime exec my-agent -- bun <file>`.",
    });
  }
  return new TextDecoder("utf-8").decode(bytes);
}

/** On the first line, so that the lines of errors stay what they are. A first line for the kernel is of no use there. */
function withArguments(source: string, words: readonly string[]): string {
  const code = source.replace(/^#!.*/, "");
  if (words.length === 0) return code;
  return `process.argv.push(${words.map((word) => JSON.stringify(word)).join(", ")});${code}`;
}
