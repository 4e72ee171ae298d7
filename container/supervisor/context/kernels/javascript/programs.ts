// The programs that were run, as far as errors need them: which file a frame of a stack is in, and where the user wrote it.
import { Lines } from "./layout.ts";
import type { Shift } from "./layout.ts";

/** The oldest is forgotten; its frames then tell the engine's columns. */
const KEPT = 500;

interface Program {
  readonly lines: Lines;
  readonly shifts: readonly Shift[];
}

export class Programs {
  readonly #byFile = new Map<string, Program>();

  add(file: string, code: string, shifts: readonly Shift[]): void {
    this.#byFile.delete(file);
    this.#byFile.set(file, { lines: new Lines(code), shifts });
    if (this.#byFile.size <= KEPT) return;
    const [oldest] = this.#byFile.keys();
    if (oldest !== undefined) this.#byFile.delete(oldest);
  }

  /** The engine tells where an expression ends (`Error|(…)`), people and Bun mean where its last name begins. */
  columnOf(file: string, line: number, column: number): number {
    const program = this.#byFile.get(file);
    if (program === undefined) return column;
    const at = column - 1;
    const shift = program.shifts.find((each) => each.line === line - 1 && each.start < at && at <= each.end);
    if (shift !== undefined) return shift.column + 1;
    const word = /[\p{ID_Continue}$#]+$/u.exec(program.lines.text(line - 1).slice(0, at));
    return word === null ? column : at - word[0].length + 1;
  }
}
