// Rows as columns that fit a width. Pure. Cells are made plain here, so that nothing in them reaches a terminal as a command.
import { fit, plain, widthOf } from "./text.ts";

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly align?: "right";
  /** It may be cut before others are: what is long and not needed to go on. */
  readonly flexible?: true;
}

const GAP = "  ";
/** A column that gives way keeps this much while others can give way, too. */
const KEPT = 6;

/** @param columns of the terminal; Infinity cuts nothing */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], terminalColumns: number): string[] {
  const lines = [columns.map(({ title }) => title), ...rows.map((row) => columns.map(({ cell }) => plain(cell(row))))];
  const natural = columns.map((_, at) => Math.max(...lines.map((line) => widthOf(line[at] ?? ""))));
  const flexible = columns.map((column) => column.flexible === true);
  const widths = shrink(natural, flexible, terminalColumns - GAP.length * (columns.length - 1));
  return lines.map((line) =>
    line
      .map((cell, at) => {
        const width = widths[at] ?? 0;
        const cut = fit(cell, width);
        const padding = " ".repeat(Math.max(0, width - widthOf(cut)));
        return columns[at]?.align === "right" ? padding + cut : cut + padding;
      })
      .join(GAP)
      .trimEnd(),
  );
}

/** Takes what is too much from the widest column: first of those that may give way, then of all. */
function shrink(natural: readonly number[], flexible: readonly boolean[], room: number): number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, width) => sum + width, 0) - room;
  for (const [mayGiveWay, kept] of [
    [flexible, KEPT],
    [flexible.map(() => true), 1],
  ] as const) {
    while (excess > 0) {
      let widest = -1;
      for (const [at, width] of widths.entries()) {
        if (mayGiveWay[at] === true && width > kept && width > (widths[widest] ?? 0)) widest = at;
      }
      if (widest === -1) break;
      widths[widest] = (widths[widest] ?? 0) - 1;
      excess -= 1;
    }
  }
  return widths;
}
