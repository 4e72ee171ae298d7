// `buntime contexts`: interpreters of a session that keep their variables.
import { Option } from "commander";
import type { Command } from "commander";
import { errorText } from "../../lib/run-error.ts";
import type { Context, RunAnswer } from "../../sdk/contract.ts";
import { connect, memoryOf } from "../client.ts";
import { doEach } from "../each.ts";
import { EXIT, usage } from "../failure.ts";
import { note, print, printJson, printTable } from "../output.ts";
import { examples } from "../program.ts";
import { readStdin } from "../stdin.ts";
import { plain, plainLines } from "../text.ts";
import { relative } from "../units.ts";
import { seconds } from "../values.ts";

const LANGUAGES = ["javascript", "typescript", "python"] as const;

interface Creation {
  readonly language: (typeof LANGUAGES)[number];
  readonly name?: string;
}

export function define(contexts: Command): void {
  contexts
    .command("create <session>")
    .summary("start an interpreter")
    .description("Start an interpreter in a session, and print the context's id.")
    .addOption(new Option("-l, --language <language>", "its language").choices(LANGUAGES).default("typescript"))
    .option("--name <name>", "what to know it by")
    .addHelpText("after", examples("$ context=$(buntime contexts create my-agent --language python)"))
    .action(create);

  contexts
    .command("list <session>")
    .alias("ls")
    .summary("list contexts, oldest first")
    .description("List a session's contexts, oldest first. Wakes nothing.")
    .addHelpText("after", examples("$ buntime contexts list my-agent"))
    .action(list);

  contexts
    .command("run <session> <context> [code]")
    .summary("run code in a context")
    .description(
      "Run code in a context: what it binds is there for the next run. What it prints and shows comes out as it comes. " +
        "Without <code>, or with `-`, the code is read from stdin.",
    )
    .option("-t, --timeout <time>", "interrupt it after this time (default: the session's, 30s)", seconds)
    .addHelpText(
      "after",
      "\nExit codes: 0; 1 where the code fails or its interpreter ends; 124 where it took too long.\n" +
        examples(
          "$ buntime contexts run my-agent $context 'x = 40'",
          "$ buntime contexts run my-agent $context 'x + 2'",
        ),
    )
    .action(run);

  contexts
    .command("delete <session> <context...>")
    .alias("rm")
    .summary("delete contexts with their variables")
    .description("Delete contexts with their variables. What runs in them is ended.")
    .addHelpText("after", examples("$ buntime contexts delete my-agent $context"))
    .action(remove);
}

async function create(sessionId: string, options: Creation, command: Command): Promise<void> {
  const { settings, json } = await connect(command);
  const memory = await memoryOf(settings);
  const context = await memory.contexts.create({ sessionId, ...options });
  if (json) printJson(await context.info());
  else print(context.id);
}

async function list(sessionId: string, _: object, command: Command): Promise<void> {
  const { settings, json } = await connect(command);
  const memory = await memoryOf(settings);
  const { contexts, total } = await memory.contexts.list({ sessionId });
  if (json) return printJson({ contexts, total });
  const now = Date.now();
  printTable<Context>(
    [
      { title: "ID", cell: ({ id }) => id },
      { title: "LANGUAGE", cell: ({ language }) => language },
      { title: "STATE", cell: ({ state }) => state },
      { title: "LAST RUN", cell: ({ lastRunAt }) => (lastRunAt === null ? "-" : relative(lastRunAt, now)) },
      { title: "NAME", cell: ({ name }) => name ?? "-", flexible: true },
    ],
    contexts,
  );
  if (total === 0) note("There are no contexts. `buntime contexts create` makes one.");
}

async function run(
  sessionId: string,
  contextId: string,
  code: string | undefined,
  { timeout }: { timeout?: number },
  command: Command,
): Promise<void> {
  const { settings, json } = await connect(command);
  const memory = await memoryOf(settings);
  const text = code === undefined || code === "-" ? await codeOfStdin() : code;
  const request = { sessionId, contextId, code: text, ...(timeout === undefined ? {} : { timeout }) };
  const stream = memory.contexts.stream(request);
  for await (const { type, data } of stream) {
    if (json) continue;
    if (type === "result") print(data.text);
    else (type === "stdout" ? process.stdout : process.stderr).write(data);
  }
  const answer = await stream.result;
  if (json) printJson(answer);
  else tellEnd(answer);
  process.exitCode = answer.timedOut ? TIMED_OUT : answer.exitCode === 0 ? 0 : EXIT.failure;
}

/** As of `timeout` of coreutils. */
const TIMED_OUT = 124;

function tellEnd({ error, dropped, lost, timedOut }: RunAnswer): void {
  if (lost !== null) note(`The variables were lost before this run: ${plain(lost.reason)}.`);
  for (const { name, reason } of dropped) note(`${plain(name)} could not be brought back: ${plain(reason)}`);
  if (timedOut) note("It took longer than its time-out and was interrupted. --timeout gives it more.");
  else if (error !== null) process.stderr.write(`${plainLines(errorText(error))}\n`);
}

async function codeOfStdin(): Promise<string> {
  const stdin = await readStdin();
  if (stdin.kind === "text") return stdin.text;
  throw usage("give the code as an argument, or as text of at most 4 MB on stdin");
}

async function remove(sessionId: string, contextIds: readonly string[], _: object, command: Command): Promise<void> {
  const { settings, json } = await connect(command);
  const memory = await memoryOf(settings);
  await doEach(contextIds, { json, done: "deleted" }, async (contextId) => {
    await memory.contexts.delete({ sessionId, contextId });
    return contextId;
  });
}
