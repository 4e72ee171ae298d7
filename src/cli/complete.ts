// What can come next on a command line. Shells ask with the words so far, the last one being the one that is typed; the
// answer is a candidate per line, behind a tab what it is. Wrong or slow answers of the platform are no answers.
import type { Command, Option } from "commander";
import { createProgram } from "./program.ts";
import { plain } from "./text.ts";
import { VERBS } from "./verbs.ts";

/** Whoever has pressed Tab does not wait longer. */
const PATIENCE_MS = 1500;
const MOST = 100;
/** Local files are the shell's own to offer. Told by a line that begins with the tab. */
const FILES = { text: "", about: "files" } as const;

interface Candidate {
  readonly text: string;
  readonly about?: string;
}

export async function complete(words: readonly string[]): Promise<number> {
  const found = await candidates(words).catch(() => []);
  for (const { text, about } of found)
    process.stdout.write(about === undefined ? `${text}\n` : `${text}\t${plain(about)}\n`);
  return 0;
}

async function candidates(words: readonly string[]): Promise<Candidate[]> {
  const typed = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const verb = before.find((word) => Object.hasOwn(VERBS, word));
  const program = await createProgram(verb === undefined ? [] : [verb]);
  let command = program;
  const values: string[] = [];
  for (let at = 0; at < before.length; at++) {
    const word = before[at] ?? "";
    if (word === "--") return [];
    if (runsLocally(verb, values)) break;
    const option = word.startsWith("-") ? optionOf(command, word) : undefined;
    if (option !== undefined) {
      const takesNext = (option.required || option.optional) && !word.includes("=");
      if (takesNext && at === before.length - 1) return matching(typed, await valuesOf(option));
      if (takesNext) at += 1;
      continue;
    }
    const inner = command.commands.find((each) => each.name() === word || each.aliases().includes(word));
    if (inner === undefined || values.length > 0) values.push(word);
    else command = inner;
  }
  if (typed.startsWith("-") && !runsLocally(verb, values)) return await typedOption(command, typed);
  if (command.commands.length > 0 && values.length === 0) {
    return matching(
      typed,
      command.commands.map((each) => ({ text: each.name(), about: each.summary() })),
    );
  }
  return matching(typed, await argumentsOf(command, values, typed));
}

const matching = (typed: string, all: readonly Candidate[]): Candidate[] =>
  all.filter((candidate) => candidate === FILES || candidate.text.startsWith(typed));

/** What follows belongs to the program that is run. */
const runsLocally = (verb: string | undefined, values: readonly string[]): boolean =>
  verb !== undefined && VERBS[verb]?.passThrough === true && values.length > 0;

/** One by its name, or by its name with a value behind `=`. */
async function typedOption(command: Command, typed: string): Promise<Candidate[]> {
  const name = typed.slice(0, typed.indexOf("=") + 1);
  const option = name.startsWith("--") ? optionOf(command, typed) : undefined;
  if (option === undefined) return matching(typed, optionsOf(command));
  const values = await valuesOf(option);
  return matching(
    typed,
    values.map((value) => Object.assign({}, value, { text: name + value.text })),
  );
}

function optionOf(command: Command, word: string): Option | undefined {
  const name = word.split("=")[0];
  for (let at: Command | null = command; at !== null; at = at.parent) {
    const found = at.options.find(({ long, short }) => long === name || short === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function optionsOf(command: Command): Candidate[] {
  return [
    ...command.options.map(({ long, short, description }) => ({ text: long ?? short ?? "", about: description })),
    { text: "--help", about: "show this" },
  ];
}

async function valuesOf(option: Option): Promise<Candidate[]> {
  if (option.argChoices !== undefined) return option.argChoices.map((text) => ({ text }));
  if (option.attributeName() === "session") return await sessions();
  return [];
}

/** What an argument is shows in its name. */
async function argumentsOf(command: Command, values: readonly string[], typed: string): Promise<Candidate[]> {
  const taken = command.registeredArguments;
  const next = taken[values.length] ?? (taken.at(-1)?.variadic === true ? taken.at(-1) : undefined);
  switch (next?.name() ?? "") {
    case "session":
      return await sessions();
    case "snapshot":
    case "to":
    case "from":
      if (command.name() === "cp") return await copyEnds(typed);
      return await snapshots(values[0] ?? "");
    case "key":
      return await keys();
    case "execution":
      return await executions(values[0] ?? "");
    case "path":
      return await files(values[0] ?? "", typed, "");
    case "file":
    case "arguments":
      return command.name() === "run" ? [FILES] : [];
    case "shell":
      return ["bash", "zsh", "fish"].map((text) => ({ text }));
    default:
      return [];
  }
}

async function sdk() {
  const [{ readSettings }, { Buntime }] = await Promise.all([import("./settings.ts"), import("../sdk/index.ts")]);
  return new Buntime({ ...(await readSettings({ json: false })), timeout: PATIENCE_MS, maxRetries: 0 });
}

/** Names where there are some, since they are what people type. */
async function sessions(suffix = ""): Promise<Candidate[]> {
  const { sessions } = await (await sdk()).sessions.list({ limit: MOST });
  return sessions.flatMap(({ id, name, state }) =>
    name === null
      ? [{ text: id + suffix, about: state }]
      : [
          { text: name + suffix, about: state },
          { text: id + suffix, about: `${name}, ${state}` },
        ],
  );
}

async function snapshots(sessionId: string): Promise<Candidate[]> {
  const { snapshots } = await (await sdk()).snapshots.list({ sessionId, limit: MOST });
  return snapshots.map(({ snapshotId, label, createdAt }) => ({ text: snapshotId, about: label ?? createdAt }));
}

async function keys(): Promise<Candidate[]> {
  const { keys } = await (await sdk()).keys.list({ limit: MOST });
  return keys.map(({ id, name, createdAt }) => ({ text: id, about: name ?? createdAt }));
}

async function executions(sessionId: string): Promise<Candidate[]> {
  const { executions } = await (await sdk()).execution.list({ sessionId, limit: MOST });
  return executions.map(({ executionId, command, code }) => ({
    text: executionId,
    about: (command ?? code ?? "").slice(0, 60),
  }));
}

/** Of the folder that is typed. @param prefix what stands before the path in the word */
async function files(sessionId: string, typed: string, prefix: string): Promise<Candidate[]> {
  const folder = typed.slice(0, typed.lastIndexOf("/") + 1);
  const entries = await (await sdk()).files.list({ sessionId, path: folder || "/workspace", limit: MOST });
  return entries
    .filter(({ path }) => !/[\u0000-\u001f\u007f]/.test(path))
    .map(({ path, type }) => ({ text: `${prefix}${path}${type === "directory" ? "/" : ""}` }));
}

/** A place here, or one in a session. */
async function copyEnds(typed: string): Promise<Candidate[]> {
  const colon = typed.indexOf(":");
  if (colon === -1) return [...(await sessions(":").catch(() => [])), FILES];
  const sessionId = typed.slice(0, colon);
  return await files(sessionId, typed.slice(colon + 1), `${sessionId}:`);
}
