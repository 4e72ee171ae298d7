// One terminal: a program at a pseudo-terminal, what it has printed lately, and whoever looks at it.
import { closeSync } from "node:fs";
import { TERMINALS } from "../../../src/contract/limits.ts";
import type { TerminalCommand, TerminalExit, Terminal as View } from "../../../src/contract/terminal.ts";
import { TERMINAL_CLOSE } from "../../../src/contract/terminal-wire.ts";
import type { Started } from "../process/launcher.ts";
import { WakeUp } from "../wake-up.ts";
import { Keyboard } from "./keyboard.ts";
import { TerminalOutput } from "./output.ts";
import { resizePty } from "./pty.ts";
import type { Pty, TerminalSize } from "./pty.ts";
import { ScrollBack } from "./scroll-back.ts";
import { Viewer } from "./viewer.ts";
import type { Outlet } from "./viewer.ts";

export interface TerminalParts {
  readonly id: string;
  readonly command: string | null;
  readonly size: TerminalSize;
  /** Owned by the terminal from here on. */
  readonly pty: Pty;
  readonly started: Pick<Started, "process" | "userPid">;
}

export interface AttachOptions {
  /** Bytes of the output that it has. */
  readonly after: number;
  /** The terminal was opened for it. */
  readonly created: boolean;
  readonly willAcknowledge: boolean;
}

/** Output that comes within this much of the last is sent together: one message for a screen, not for each write. */
const BATCH_MS = 2;
const NORMAL = 1000;
const GOING_AWAY = 1001;

export class Terminal {
  readonly id: string;
  /** Resolves when its program has ended and all of its output was read. */
  readonly ended: Promise<void>;
  readonly #parts: TerminalParts;
  readonly #scrollBack = new ScrollBack(TERMINALS.keptBytes);
  readonly #keyboard: Keyboard;
  readonly #viewers = new Set<Viewer>();
  readonly #createdAt = new Date().toISOString();
  #size: TerminalSize;
  #exit: TerminalExit | null = null;
  #reason: string | null = null;
  #sentAt = 0;
  #sending: ReturnType<typeof setTimeout> | null = null;
  /** The sequence that the foremost viewer has got to, or had when its connection broke. Null: nobody waits for output. */
  #foremost: number | null = null;
  /** Nobody has moved for so long that the program is no longer held back for them. */
  #impatient = false;
  readonly #moved = new WakeUp();

  constructor(parts: TerminalParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.#size = parts.size;
    this.#keyboard = new Keyboard(parts.pty.master, TERMINALS.typedBytes);
    this.ended = this.#live();
  }

  get isOver(): boolean {
    return this.#exit !== null;
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  view(): View {
    return {
      id: this.id,
      command: this.#parts.command,
      pid: this.#parts.started.userPid,
      ...this.#size,
      createdAt: this.#createdAt,
      viewers: this.#viewers.size,
      sequence: this.#scrollBack.end,
      oldest: this.#scrollBack.oldest,
      exit: this.#exit,
    };
  }

  /** Null: as many look at it as may. */
  attach(outlet: Outlet, options: AttachOptions): Viewer | null {
    if (this.#viewers.size >= TERMINALS.viewers) return null;
    const { after, lost } = this.#place(options.after);
    const viewer = new Viewer(outlet, this.#scrollBack, { after, willAcknowledge: options.willAcknowledge });
    this.#viewers.add(viewer);
    this.#impatient = false;
    viewer.tell({ type: "ready", terminal: this.view(), created: options.created, after, lost });
    this.#serve(viewer);
    return viewer;
  }

  /** `code`: how its socket was closed. Output is kept for a while for one whose connection broke. */
  detach(viewer: Viewer, code: number): void {
    viewer.left();
    if (!this.#viewers.delete(viewer)) return;
    if (this.#viewers.size === 0) {
      this.#foremost = code === NORMAL || code === GOING_AWAY ? null : viewer.progress;
      this.#moved.notify();
    }
  }

  type(viewer: Viewer, bytes: Uint8Array): void {
    if (this.#keyboard.type(bytes)) return;
    const message = "The program does not read what is typed: this was left out. Try again later.";
    viewer.tell({ type: "error", error: { code: "payload_too_large", message } }, { mayBeLeftOut: true });
  }

  /** What is wrong with the command, if anything is. */
  obey(viewer: Viewer, command: TerminalCommand): string | null {
    switch (command.type) {
      case "resize":
        this.resize(command);
        return null;
      case "ping":
        viewer.tell({ ...command, type: "pong" }, { mayBeLeftOut: true });
        return null;
      case "pong":
        return null;
      case "replay": {
        if (command.after > this.#scrollBack.end) return "so much was never printed";
        const { after, lost } = this.#place(command.after);
        viewer.rewind(after);
        viewer.tell({ type: "replay", after, lost });
        this.#serve(viewer);
        return null;
      }
      case "ack":
        break;
    }
    if (!viewer.acknowledge(command.sequence)) return "so much was never sent";
    this.#serve(viewer);
    return null;
  }

  resize({ cols, rows }: TerminalSize): void {
    if (this.isOver || (cols === this.#size.cols && rows === this.#size.rows)) return;
    this.#size = { cols, rows };
    resizePty(this.#parts.pty.master, this.#size);
    for (const viewer of this.#viewers) viewer.tell({ type: "resize", cols, rows }, { mayBeLeftOut: true });
  }

  /** Its socket takes bytes again. */
  drained(viewer: Viewer): void {
    viewer.drained();
    this.#serve(viewer);
  }

  /** It is being killed, for a reason that its exit would not tell. */
  blame(reason: string): void {
    this.#reason = reason;
  }

  /** For good: nobody may come back. */
  dismiss(): void {
    for (const viewer of this.#viewers) viewer.close(TERMINAL_CLOSE.closed, "the terminal was closed");
    this.#viewers.clear();
    this.#foremost = null;
    this.#moved.notify();
  }

  async #live(): Promise<void> {
    const { pty, started } = this.#parts;
    const output = new TerminalOutput(pty.master);
    const reading = output.read((bytes) => this.#take(bytes));
    await started.process.exited;
    closeSync(pty.slave);
    this.#keyboard.close();
    await output.finish();
    await reading;
    const { exitCode, signalCode } = started.process;
    this.#exit =
      signalCode === null
        ? { exitCode, signal: null, reason: this.#reason }
        : { exitCode: null, signal: String(signalCode), reason: this.#reason };
    this.#sendAll();
  }

  #take(bytes: Uint8Array): Promise<void> | null {
    this.#scrollBack.append(bytes);
    if (this.#sending === null) {
      if (performance.now() - this.#sentAt >= BATCH_MS) this.#sendAll();
      else this.#sending = setTimeout(() => this.#sendAll(), BATCH_MS);
    }
    return this.#isTooFar() ? this.#wait() : null;
  }

  #sendAll(): void {
    if (this.#sending !== null) clearTimeout(this.#sending);
    this.#sending = null;
    for (const viewer of this.#viewers) this.#serve(viewer);
    this.#sentAt = performance.now();
  }

  #serve(viewer: Viewer): void {
    viewer.send();
    if (this.#exit !== null && viewer.isDone && !viewer.isClosed) {
      viewer.tell({ type: "exit", ...this.#exit, sequence: this.#scrollBack.end });
      viewer.close(NORMAL, "the program has ended");
    }
    if (viewer.isClosed) {
      // Its socket's own end comes later, and is to change nothing.
      this.#viewers.delete(viewer);
      if (this.#viewers.size === 0) this.#foremost = viewer.progress;
    }
    this.#noteProgress();
  }

  #noteProgress(): void {
    if (this.#viewers.size === 0) return;
    const foremost = Math.max(...[...this.#viewers].map(({ progress }) => progress));
    if (foremost === this.#foremost) return;
    this.#foremost = foremost;
    this.#impatient = false;
    this.#moved.notify();
  }

  #isTooFar(): boolean {
    return (
      this.#foremost !== null && !this.#impatient && this.#scrollBack.end - this.#foremost >= TERMINALS.windowBytes
    );
  }

  /** Until somebody has moved on far enough, or nobody has moved for too long. */
  async #wait(): Promise<void> {
    while (this.#isTooFar()) {
      const before = this.#foremost;
      const patience = Promise.withResolvers<void>();
      const timer = setTimeout(() => {
        this.#impatient ||= this.#foremost === before;
        patience.resolve();
      }, TERMINALS.patienceMs);
      await Promise.race([patience.promise, this.#moved.next()]);
      clearTimeout(timer);
    }
  }

  /** Where output begins for somebody who has `asked` bytes of it. */
  #place(asked: number): { readonly after: number; readonly lost: number } {
    const after = Math.min(Math.max(asked, this.#scrollBack.oldest), this.#scrollBack.end);
    return { after, lost: Math.max(0, after - asked) };
  }
}
