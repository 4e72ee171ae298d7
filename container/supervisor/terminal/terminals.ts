// The terminals of a session: opens them, finds them, ends them. One whose program has ended is kept for a while, so that
// viewers whose connections broke still learn how it ended.
import { closeSync, existsSync } from "node:fs";
import { TERMINALS } from "../../../src/contract/limits.ts";
import type { TerminalList } from "../../../src/contract/terminal.ts";
import type { UserIdentity } from "../config.ts";
import { SupervisorError } from "../problem.ts";
import { TERMINAL_MARK } from "../process/environment.ts";
import type { Freezer } from "../process/freezer.ts";
import type { Launcher } from "../process/launcher.ts";
import { terminalOwner } from "../process/process-table.ts";
import type { ProcessTable } from "../process/process-table.ts";
import { ofOwner, terminate } from "../process/termination.ts";
import { openPty } from "./pty.ts";
import type { TerminalSize } from "./pty.ts";
import { Terminal } from "./terminal.ts";

export interface TerminalsOptions {
  readonly workspace: string;
  readonly user: UserIdentity;
  readonly launcher: Launcher;
  readonly table: ProcessTable;
  readonly freezer: Freezer;
  /** Called when something was started. */
  readonly onStart: () => void;
}

export interface OpenOptions {
  readonly id: string;
  /** Where there is none of that id. */
  readonly create: boolean;
  /** Null: a shell. */
  readonly command: string | null;
  /** Nulls: as it is. */
  readonly cols: number | null;
  readonly rows: number | null;
}

export interface Opened {
  readonly terminal: Terminal;
  readonly created: boolean;
}

const DEFAULT_SIZE: TerminalSize = { cols: 80, rows: 24 };
const BASH = "/bin/bash";
const SH = "/bin/sh";

export class Terminals {
  readonly #options: TerminalsOptions;
  /** Oldest first; one that is being opened included. */
  readonly #terminals = new Map<string, Promise<Terminal>>();
  readonly #opened = new Map<string, Terminal>();

  constructor(options: TerminalsOptions) {
    this.#options = options;
  }

  list({ limit, offset }: { readonly limit: number; readonly offset: number }): TerminalList {
    const all = [...this.#opened.values()];
    return { terminals: all.slice(offset, offset + limit).map((terminal) => terminal.view()), total: all.length };
  }

  /** @throws SupervisorError `terminal_not_found`, or where none can be opened */
  async open(options: OpenOptions): Promise<Opened> {
    const known = this.#terminals.get(options.id);
    if (known !== undefined) {
      const terminal = await known;
      const { cols, rows } = terminal.view();
      terminal.resize({ cols: options.cols ?? cols, rows: options.rows ?? rows });
      return { terminal, created: false };
    }
    if (!options.create) throw notFound(options.id);
    this.#makeRoom();
    const opening = this.#start(options);
    this.#terminals.set(options.id, opening);
    try {
      const terminal = await opening;
      this.#opened.set(options.id, terminal);
      void terminal.ended.then(() => setTimeout(() => this.#forget(terminal), TERMINALS.endedMs).unref());
      return { terminal, created: true };
    } catch (error) {
      this.#terminals.delete(options.id);
      throw error;
    }
  }

  /** Ends its processes, also those that have left it. @throws SupervisorError `terminal_not_found` */
  async close(id: string): Promise<void> {
    const opening = this.#terminals.get(id);
    if (opening === undefined) throw notFound(id);
    const terminal = await opening;
    const { freezer, table } = this.#options;
    await freezer.thaw();
    // Nobody finds it from here on, or takes its end for the program's own.
    this.#forget(terminal);
    terminal.dismiss();
    await terminate(table, ofOwner(terminalOwner(id)));
  }

  /** It will be killed, and this is why. */
  blame(id: string, reason: string): void {
    this.#opened.get(id)?.blame(reason);
  }

  /** All of them will be. */
  blameAll(reason: string): void {
    for (const terminal of this.#opened.values()) terminal.blame(reason);
  }

  #forget(terminal: Terminal): void {
    if (this.#opened.get(terminal.id) !== terminal) return;
    this.#opened.delete(terminal.id);
    this.#terminals.delete(terminal.id);
  }

  #makeRoom(): void {
    if (this.#terminals.size < TERMINALS.most) return;
    const over = [...this.#opened.values()].find((terminal) => terminal.isOver && terminal.viewers === 0);
    if (over === undefined) {
      const message = `This session has ${TERMINALS.most} terminals, which is the most. Close one first.`;
      throw new SupervisorError("conflict", message);
    }
    this.#forget(over);
  }

  async #start({ id, command, cols, rows }: OpenOptions): Promise<Terminal> {
    const { workspace, user, launcher, freezer, onStart } = this.#options;
    const size = { cols: cols ?? DEFAULT_SIZE.cols, rows: rows ?? DEFAULT_SIZE.rows };
    await freezer.thaw();
    const terminal = await freezer.start(() => {
      const pty = openPty(size, user);
      try {
        const { argv, env } = programOf(command);
        const owner = terminalOwner(id);
        const options = { owner, argv, workingDir: workspace, env: { ...env, [TERMINAL_MARK]: id } };
        const started = launcher.startAtTerminal(options, pty.slave);
        return new Terminal({ id, command, size, pty, started });
      } catch (error) {
        closeSync(pty.slave);
        closeSync(pty.master);
        throw error;
      }
    });
    onStart();
    return terminal;
  }
}

function programOf(command: string | null): { argv: readonly string[]; env: Readonly<Record<string, string>> } {
  const shell = existsSync(BASH) ? BASH : SH;
  const env = { TERM: "xterm-256color", COLORTERM: "truecolor", SHELL: shell };
  if (command !== null) return { argv: [SH, "-c", command], env };
  // Not by `--login`: /etc/profile would take bun out of PATH. An rc file of the system's or the user's has the last word.
  const prompt = shell === BASH ? String.raw`\u@\h:\w\$ ` : "$ ";
  return { argv: [shell, "-i"], env: { ...env, PS1: prompt } };
}

function notFound(id: string): SupervisorError {
  const why = "It was closed, or has ended with its container while the session slept";
  return new SupervisorError(
    "terminal_not_found",
    `There is no terminal ${id} in this session. ${why}; open a new one.`,
  );
}
