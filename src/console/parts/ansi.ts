// Text with ANSI colours as pieces with a style. Pure. Source: ECMA-48 (SGR, CSI), and xterm's 256 colours.

export interface AnsiStyle {
  /** 0 to 255 of the palette, or `#rrggbb`; null: as the page has it. */
  readonly color: number | string | null;
  readonly background: number | string | null;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly inverse: boolean;
}

export interface AnsiPiece {
  readonly text: string;
  readonly style: AnsiStyle;
}

export const PLAIN: AnsiStyle = {
  color: null,
  background: null,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  inverse: false,
};

/** CSI, OSC (to BEL or ST), and the other escapes of two characters. */
const ESCAPE = /\u001b(?:\[([0-?]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\|$)|[ -/]*[0-Z\\^-~]?)/g;
const INVISIBLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;

/** Cuts one line into pieces, and says in what style the next line begins. Escapes that are not colours are left out. */
export function parseAnsi(
  line: string,
  begin: AnsiStyle = PLAIN,
): { readonly pieces: readonly AnsiPiece[]; readonly end: AnsiStyle } {
  const pieces: AnsiPiece[] = [];
  let style = begin;
  let from = 0;
  const take = (to: number): void => {
    const text = line.slice(from, to).replaceAll(INVISIBLE, "");
    if (text !== "") pieces.push({ text, style });
  };
  for (const match of line.matchAll(ESCAPE)) {
    take(match.index);
    from = match.index + match[0].length;
    if (match[2] === "m") style = applyCodes(style, match[1] ?? "");
  }
  take(line.length);
  return { pieces, end: style };
}

const SWITCHES: Readonly<Record<number, Partial<AnsiStyle>>> = {
  0: PLAIN,
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  22: { bold: false, dim: false },
  23: { italic: false },
  24: { underline: false },
  27: { inverse: false },
  39: { color: null },
  49: { background: null },
};

const changed = (style: AnsiStyle, change: Partial<AnsiStyle> = {}): AnsiStyle => ({ ...style, ...change });

function applyCodes(style: AnsiStyle, parameters: string): AnsiStyle {
  const codes = parameters.split(/[;:]/).map(Number);
  let result = style;
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0;
    const target = code === 38 ? "color" : code === 48 ? "background" : null;
    if (target !== null) {
      const [value, used] = extendedColor(codes.slice(at + 1));
      if (value !== null) result = changed(result, { [target]: value });
      at += used;
    } else if (code >= 30 && code <= 37) result = changed(result, { color: code - 30 });
    else if (code >= 40 && code <= 47) result = changed(result, { background: code - 40 });
    else if (code >= 90 && code <= 97) result = changed(result, { color: code - 82 });
    else if (code >= 100 && code <= 107) result = changed(result, { background: code - 92 });
    else result = changed(result, SWITCHES[code]);
  }
  return result;
}

/** `5;n` or `2;r;g;b`, and how many codes that took. */
function extendedColor([kind, ...rest]: readonly number[]): readonly [number | string | null, number] {
  const isByte = (value: number | undefined): value is number => value !== undefined && value >= 0 && value <= 255;
  if (kind === 5) return [isByte(rest[0]) ? rest[0] : null, 2];
  if (kind !== 2) return [null, 0];
  const [red, green, blue] = rest;
  if (!isByte(red) || !isByte(green) || !isByte(blue)) return [null, 4];
  return [`#${[red, green, blue].map((value) => value.toString(16).padStart(2, "0")).join("")}`, 4];
}

/** The CSS colour of a palette entry: the first sixteen are the theme's. */
export function paletteColor(index: number): string {
  if (index < 16) return `var(--ansi-${index})`;
  if (index >= 232) {
    const level = 8 + (index - 232) * 10;
    return `rgb(${level} ${level} ${level})`;
  }
  const level = (step: number): number => (step === 0 ? 0 : 55 + step * 40);
  const cube = index - 16;
  return `rgb(${level(Math.floor(cube / 36))} ${level(Math.floor(cube / 6) % 6)} ${level(cube % 6)})`;
}
