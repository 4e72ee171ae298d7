// Text that others chose, on a terminal: what it could do there is taken from it, how wide it is, and cutting it to fit. Pure.

/** Controls (C0, DEL, C1), what changes the direction of text or cannot be seen, line separators, and lone surrogates. */
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;
const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** One line that does nothing to a terminal: each unsafe character as an escape such as `\x1b`. */
export function plain(text: string): string {
  return text.replaceAll(UNSAFE, (unsafe) => SHORT[unsafe] ?? escaped(unsafe.codePointAt(0) ?? 0));
}

/** As `plain`, but lines and tabs stay. */
export function plainLines(text: string): string {
  return text.replaceAll(UNSAFE, (unsafe) =>
    unsafe === "\n" || unsafe === "\t" ? unsafe : (SHORT[unsafe] ?? escaped(unsafe.codePointAt(0) ?? 0)),
  );
}

function escaped(code: number): string {
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
}

const NARROW = /^[\x20-\x7e]*$/;
const MARKS = /^(?:\p{Mark}|\u200c|\u200d)+$/u;
const EMOJI = /\p{Emoji_Presentation}|\ufe0f/u;
/** First and last of what East Asian Width calls wide or full-width, https://www.unicode.org/reports/tr11/. */
const WIDE: readonly (readonly [first: number, last: number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x17000, 0x18aff],
  [0x1b000, 0x1b2ff],
  [0x1f200, 0x1f2ff],
  [0x20000, 0x3fffd],
];

/** Columns that plain text takes. */
export function widthOf(text: string): number {
  if (NARROW.test(text)) return text.length;
  let width = 0;
  for (const cluster of clusters(text)) width += clusterWidth(cluster);
  return width;
}

/** Plain text in at most so many columns, its end replaced by `…` where it is longer. */
export function fit(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  if (columns < 1) return "";
  let cut = "";
  let width = 0;
  for (const cluster of clusters(text)) {
    const next = clusterWidth(cluster);
    if (width + next > columns - 1) break;
    cut += cluster;
    width += next;
  }
  return `${cut}…`;
}

function clusterWidth(cluster: string): number {
  if (MARKS.test(cluster)) return 0;
  if (EMOJI.test(cluster)) return 2;
  const code = cluster.codePointAt(0) ?? 0;
  return WIDE.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}

let segmenter: Intl.Segmenter | null = null;

function* clusters(text: string): Generator<string> {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  for (const { segment } of segmenter.segment(text)) yield segment;
}
