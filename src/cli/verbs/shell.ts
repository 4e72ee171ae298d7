// `buntime shell`: a terminal in a session, as if one sat at it.
import { constants } from "node:os";
import type { Command } from "commander";
import type { TerminalExit, TerminalList } from "../../sdk/contract.ts";
import type { Terminal } from "../../sdk/index.ts";
import { connect } from "../client.ts";
import { EXIT, Failure, hasCode, usage } from "../failure.ts";
import { note, printJson, printTable, writeBytes } from "../output.ts";
import { examples } from "../program.ts";
import { commandLine } from "../shell-words.ts";
import { relative } from "../units.ts";
import { runWithWebSocket } from "../web-socket.ts";

interface Options {
  readonly attach?: string;
  readonly list?: true;
  readonly detachKey: string;
}

/** Undoes what a full-screen program that still runs has asked of the terminal: other screen, mouse, hidden cursor. */
const AS_BEFORE = "\u001b[?1049l\u001b[?1000l\u001b[?1002l\u001b[?1003l\u001b[?1006l\u001b[?2004l\u001b[?25h\u001b[0m";
type TerminalInfo = TerminalList["terminals"][number];

const END_OF_INPUT = "\u0004";
/** Between two looks whether there is a connection again. */
const CONNECTION_MS = 100;
const LEAVING = ["SIGTERM", "SIGHUP"] as const;

export function define(shell: Command): void {
  shell
    .argument("<session>", "its id or name")
    .argument("[command...]", "after `--`: what to run in place of a login shell")
    .usage("[options] <session> [-- <program> [arguments]]")
    .description(
      "Open a terminal in a session. It follows the size of yours, and goes on where the connection drops. Ctrl-] leaves it " +
        "running, to be come back to with --attach.",
    )
    .option("-a, --attach <terminal>", "come back to a terminal that runs")
    .option("-l, --list", "list the session's terminals")
    .option("--detach-key <key>", "ctrl-<letter> or another character with ctrl that leaves it, or none", "ctrl-]")
    .addHelpText(
      "after",
      "\nExit codes: the program's own; 128 + n where signal n ended it; 0 after it was left running.\n" +
        examples("$ buntime shell my-agent", "$ buntime shell my-agent -- top", "$ buntime shell my-agent --list"),
    )
    .action(open);
}

async function open(sessionId: string, words: readonly string[], options: Options, command: Command): Promise<void> {
  const { client, json } = await connect(command);
  if (options.list === true) {
    const list = await client.terminal.list({ sessionId });
    if (json) printJson(list);
    else printTerminals(list.terminals);
    return;
  }
  const elsewhere = await runWithWebSocket();
  if (elsewhere !== null) {
    process.exitCode = elsewhere;
    return;
  }
  if (options.attach !== undefined && words.length > 0) throw usage("--attach comes back to what runs already");
  const detachKey = keyOf(options.detachKey);
  const terminal = await client.terminal.open({
    sessionId,
    cols: process.stdout.columns || 80,
    rows: process.stdout.rows || 24,
    ...(options.attach === undefined ? {} : { id: options.attach }),
    ...(words.length === 0 ? {} : { command: commandLine(words) }),
  });
  const left = await sit(terminal, detachKey);
  if (left === "detached") {
    note(`\nIt runs on. To come back: buntime shell ${sessionId} --attach ${terminal.id}`);
    return;
  }
  if (left.reason !== null) note(`\nThe platform has ended it: ${left.reason}`);
  process.exitCode = exitCodeOf(left);
}

/** Until its program ends or the key is pressed. Whatever happens, the local terminal is afterwards as it was. */
async function sit(terminal: Terminal, detachKey: number | null): Promise<TerminalExit | "detached"> {
  const { stdin, stdout } = process;
  const raw = stdin.isTTY;
  let detach = (): void => {};
  // Node 20 has no Promise.withResolvers.
  const detached = new Promise<"detached">((resolve) => {
    detach = () => resolve("detached");
  });
  let waiting: NodeJS.Timeout | undefined;
  const write = (bytes: Buffer | string): void => {
    try {
      terminal.write(bytes);
      stdin.resume();
    } catch (error) {
      if (!hasCode(error, "conflict")) throw error;
      // There is no connection, and enough is kept for it: whoever pipes more into it waits.
      stdin.pause();
      waiting = setTimeout(write, CONNECTION_MS, bytes);
    }
  };
  const typed = (data: Buffer): void => {
    const at = raw && detachKey !== null ? data.indexOf(detachKey) : -1;
    const kept = at === -1 ? data : data.subarray(0, at);
    if (kept.length > 0) write(kept);
    if (at !== -1) detach();
  };
  const inputEnded = (): void => write(END_OF_INPUT);
  const resized = (): void => terminal.resize(stdout.columns || 80, stdout.rows || 24);
  const restore = (): void => {
    if (raw) stdin.setRawMode(false);
  };
  const leave = (signal: NodeJS.Signals): void => {
    restore();
    process.exit(128 + constants.signals[signal]);
  };
  process.once("exit", restore);
  for (const signal of LEAVING) process.once(signal, leave);
  if (raw) stdin.setRawMode(true);
  stdin.on("data", typed);
  stdin.once("end", inputEnded);
  stdout.on("resize", resized);
  terminal.onData((data) => writeBytes(stdout, data));
  try {
    const left = await Promise.race([terminal.exited, detached]);
    if (left === "detached") {
      terminal.disconnect();
      if (stdout.isTTY) stdout.write(AS_BEFORE);
    }
    return left;
  } catch (error) {
    if (stdout.isTTY) stdout.write(`${AS_BEFORE}\r\n`);
    throw hasCode(error, "network_error")
      ? new Failure(`the connection to terminal ${terminal.id} is lost`, {
          hint: `It may run on; \`buntime shell <session> --attach ${terminal.id}\` comes back to it.`,
        })
      : error;
  } finally {
    stdin.off("data", typed);
    stdin.off("end", inputEnded);
    clearTimeout(waiting);
    stdin.pause();
    stdout.off("resize", resized);
    restore();
  }
}

function exitCodeOf({ exitCode, signal }: TerminalExit): number {
  if (exitCode !== null) return exitCode;
  // SAFETY: a name that this system does not know has no number.
  const number: number | undefined = constants.signals[signal as NodeJS.Signals];
  return number === undefined ? EXIT.failure : 128 + number;
}

/** The byte that a terminal sends for `ctrl-x`; null for `none`. */
function keyOf(name: string): number | null {
  if (name === "none") return null;
  const [, character] = /^ctrl-([a-z@[\\\]^_])$/i.exec(name) ?? [];
  if (character === undefined) throw usage(`${JSON.stringify(name)} is not a key such as ctrl-] or none`);
  return character.toUpperCase().charCodeAt(0) - 64;
}

function printTerminals(terminals: readonly TerminalInfo[]): void {
  const now = Date.now();
  printTable<TerminalInfo>(
    [
      { title: "ID", cell: ({ id }) => id },
      { title: "OPENED", cell: ({ createdAt }) => relative(createdAt, now) },
      { title: "SIZE", cell: ({ cols, rows }) => `${cols}x${rows}` },
      { title: "VIEWERS", cell: ({ viewers }) => String(viewers), align: "right" },
      {
        title: "STATE",
        cell: ({ exit }) => (exit === null ? "running" : `ended (${exit.exitCode ?? exit.signal ?? "?"})`),
      },
      { title: "COMMAND", cell: ({ command }) => command ?? "login shell", flexible: true },
    ],
    terminals,
  );
}
