#!/usr/bin/env node
// The command line `buntime`, in Node or Bun. Loads the verb that is asked for and nothing else.
import { CommanderError } from "commander";
import { EXIT, hasCode } from "./failure.ts";
import { printError } from "./output.ts";
import { createProgram, exitCodeOfParser } from "./program.ts";
import { VERBS } from "./verbs.ts";

const TAKES_VALUE = new Set(["--api-key", "--base-url", "--profile"]);

/** The verb in a command line; null where there is none, or none of ours. */
function verbOf(words: readonly string[]): string | null {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (TAKES_VALUE.has(word)) at += 1;
    else if (!word.startsWith("-")) return Object.hasOwn(VERBS, word) ? word : null;
  }
  return null;
}

async function main(words: readonly string[]): Promise<number> {
  // `buntime help exec` is `buntime exec --help`.
  const asked = words[0] === "help" ? [...words.slice(1), "--help"] : words;
  if (asked[0] === "__complete") {
    const { complete } = await import("./complete.ts");
    return await complete(asked.slice(1));
  }
  const verb = verbOf(asked);
  if (verb === null && (asked.includes("-V") || asked.includes("--version"))) {
    const { readVersion } = await import("./version.ts");
    process.stdout.write(`${await readVersion()}\n`);
    return 0;
  }
  const program = await createProgram(verb === null ? [] : [verb]);
  try {
    await program.parseAsync(asked.length === 0 ? ["--help"] : [...asked], { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return exitCodeOfParser(error.exitCode);
    if (hasCode(error, "EPIPE")) return EXIT.brokenPipe;
    const options = asked.slice(0, asked.includes("--") ? asked.indexOf("--") : asked.length);
    return printError(error, { json: options.includes("--json") });
  }
}

// Who reads no further has what it wanted. A verb that listens, too, has more to do then.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (process.stdout.listenerCount("error") === 1)
    process.exit(error.code === "EPIPE" ? EXIT.brokenPipe : EXIT.failure);
});
process.stderr.on("error", () => {});

const exitCode = await main(process.argv.slice(2));
// What was written is on its way before the process goes; kept connections are not waited for.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write("", done))));
process.exit(exitCode);
