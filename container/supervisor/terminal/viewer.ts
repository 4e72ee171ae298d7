// One connection to a terminal: how far it has been sent the output, and how far it is known to have taken it in. It reads
// from the terminal's scroll-back, so one that is slow costs no memory; it is cut when what it wants next is gone.
import { TERMINALS } from "../../../src/contract/limits.ts";
import type { TerminalEvent } from "../../../src/contract/terminal.ts";
import { TERMINAL_CLOSE } from "../../../src/contract/terminal-wire.ts";
import type { ScrollBack } from "./scroll-back.ts";

/** A WebSocket, as Bun has it. */
export interface Outlet {
  /** Negative: it was taken, and is waiting for the other side. */
  send(data: string | Uint8Array): number;
  close(code: number, reason: string): void;
}

/** Of output, in one message. */
const PIECE_BYTES = 64 * 1024;

export class Viewer {
  readonly #outlet: Outlet;
  readonly #scrollBack: ScrollBack;
  /** The sequence of the next byte that it is sent. */
  #next: number;
  /** Null: it has never said so, nor that it would. */
  #taken: number | null;
  /** Where its output began: with its connection, or with a replay. */
  #from: number;
  #isFull = false;
  #closed = false;

  /** `after`: where its output begins. `willAcknowledge`: it is waited for from the beginning. */
  constructor(
    outlet: Outlet,
    scrollBack: ScrollBack,
    { after, willAcknowledge }: { readonly after: number; readonly willAcknowledge: boolean },
  ) {
    this.#outlet = outlet;
    this.#scrollBack = scrollBack;
    this.#next = this.#from = after;
    this.#taken = willAcknowledge ? after : null;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** The sequence that it is known to have got to. */
  get progress(): number {
    return this.#taken ?? this.#next;
  }

  /** All of the output was sent. */
  get isDone(): boolean {
    return this.#next === this.#scrollBack.end;
  }

  /** Small things, beside the output. Those that may be left out are, while it does not listen. */
  tell(event: TerminalEvent, { mayBeLeftOut = false } = {}): void {
    if (this.#closed || (mayBeLeftOut && this.#isFull)) return;
    if (this.#outlet.send(JSON.stringify(event)) < 0) this.#isFull = true;
  }

  /** It has taken in everything before `sequence`. False for what it was never sent. */
  acknowledge(sequence: number): boolean {
    if (sequence > this.#next) return false;
    this.#taken = Math.max(this.#taken ?? 0, sequence);
    return true;
  }

  /** Begins again at `sequence`, which is kept. */
  rewind(sequence: number): void {
    this.#next = this.#from = sequence;
    if (this.#taken !== null) this.#taken = sequence;
  }

  /** The other side listens again. */
  drained(): void {
    this.#isFull = false;
  }

  /** Sends what there is, as far as it may. */
  send(): void {
    while (!this.#closed && !this.#isFull) {
      if (this.#next < this.#scrollBack.oldest) {
        this.close(TERMINAL_CLOSE.behind, "too slow: output was overwritten before it was sent");
        return;
      }
      const limit = this.#taken === null ? this.#from + TERMINALS.blindBytes : this.#taken + TERMINALS.windowBytes;
      const room = Math.min(PIECE_BYTES, limit - this.#next);
      if (room <= 0) {
        if (this.#taken === null) this.close(TERMINAL_CLOSE.behind, "nothing was acknowledged");
        return;
      }
      const piece = this.#scrollBack.read(this.#next, room);
      if (piece.length === 0) return;
      this.#next += piece.length;
      if (this.#outlet.send(piece) < 0) this.#isFull = true;
    }
    if (!this.#closed && this.#next < this.#scrollBack.oldest) {
      this.close(TERMINAL_CLOSE.behind, "too slow: output was overwritten before it was sent");
    }
  }

  close(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#outlet.close(code, reason);
  }

  /** Its socket has closed by itself. */
  left(): void {
    this.#closed = true;
  }
}
