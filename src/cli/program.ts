// The command line as a whole: global options, the verbs, help that reads like a manual page.
import { Command, Option } from "commander";
import { EXIT } from "./failure.ts";
import { hasColours, paint } from "./output.ts";
import { VERBS } from "./verbs.ts";

const MANUAL = `
Environment:
  BUNTIME_API_KEY       the key; wins over a stored one
  BUNTIME_BASE_URL      the API's address, such as http://localhost:8787/api
  BUNTIME_PROFILE       which stored key and address to use (default: default)
  XDG_CONFIG_HOME       they are stored in buntime/config.json in it (default: ~/.config)
  NO_COLOR, FORCE_COLOR no colours, or colours where there is no terminal, too

Exit codes:
  0    it worked
  1    it did not; stderr says why, and what to do next
  2    the command line is not understood
  130  Ctrl-C
  exec, run and shell end with the program's own, and 128 + n where signal n ended it.

Examples:
  $ buntime login
  $ buntime sessions create --name my-agent
  $ buntime exec my-agent -- bun --version
  $ buntime cp ./data my-agent:data
  $ buntime shell my-agent
`;

/** Options that every verb takes, before its name or after it. */
function withGlobals(command: Command): Command {
  return command
    .optionsGroup("Global options:")
    .addOption(new Option("--json", "print JSON: one value, or one per line where they come as a stream"))
    .addOption(
      new Option("--api-key <key>", "the API key; other users of this machine can see it, BUNTIME_API_KEY not"),
    )
    .addOption(new Option("--base-url <url>", "the API's address, such as http://localhost:8787/api"))
    .addOption(new Option("--profile <name>", "use what `buntime login --profile <name>` stored"))
    .helpOption("-h, --help", "show this");
}

/** What commander's parser ends with instead of ending the process. */
function prepare(command: Command): Command {
  return command
    .exitOverride()
    .helpCommand(false)
    .configureHelp({
      styleTitle: (title) => paint(process.stdout, "bold", title),
      sortOptions: false,
      showGlobalOptions: false,
    })
    .configureOutput({
      getOutHasColors: () => hasColours(process.stdout),
      getErrHasColors: () => hasColours(process.stderr),
      outputError: (text, write) =>
        write(`${paint(process.stderr, "red", "buntime:")} ${text.replace(/^error: /, "")}`),
    });
}

/**
 * A program that knows all verbs by name and summary, and these few whole.
 * @param loaded names of verbs, or "all"
 */
export async function createProgram(loaded: readonly string[] | "all"): Promise<Command> {
  const program = new Command("buntime");
  prepare(program)
    .description("A persistent Bun machine over HTTPS for every AI agent.")
    .usage("[options] <verb> [arguments]")
    .option("-V, --version", "show the version")
    .enablePositionalOptions()
    .addHelpText("after", MANUAL)
    .addHelpText("after", "`buntime <verb> --help` tells more of each verb.")
    .showHelpAfterError("Try `buntime --help`.");
  withGlobals(program);
  for (const [name, verb] of Object.entries(VERBS)) {
    const command = program.command(name).summary(verb.summary).helpGroup(`${verb.group}:`);
    if (loaded !== "all" && !loaded.includes(name)) continue;
    command.description(`${verb.summary.charAt(0).toUpperCase()}${verb.summary.slice(1)}.`);
    const { define } = await verb.load();
    define(command);
    for (const each of [command, ...command.commands]) {
      prepare(each);
      withGlobals(each);
      each.showHelpAfterError(`Try \`buntime ${pathOf(each)} --help\`.`);
    }
    if (command.commands.length > 0) {
      command.usage("[options] <what> [arguments]");
    }
    if (verb.passThrough === true) command.passThroughOptions();
  }
  return program;
}

function pathOf(command: Command): string {
  const { parent } = command;
  return parent === null || parent.parent === null ? command.name() : `${pathOf(parent)} ${command.name()}`;
}

/** Examples and what else a manual page has at its end. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}\n`;
}

/** Of what commander's parser threw; help that was asked for is no error. */
export const exitCodeOfParser = (exitCode: number): number => (exitCode === 0 ? 0 : EXIT.usage);
