// What bytes of a file are: text that can be edited, or something else. Pure.

/** A larger file is shown in part, and not edited. */
export const EDITABLE_BYTES = 2 * 1024 * 1024;
/** What is shown of such a file. */
export const FIRST_BYTES = 256 * 1024;
/** A larger image is not shown. */
export const IMAGE_BYTES = 20 * 1024 * 1024;

/** What a browser draws. An SVG is text, and is edited as such. */
const IMAGE = /^image\/(?:png|jpeg|gif|webp|avif|bmp|x-icon|vnd\.microsoft\.icon)\b/;
const CODE = /\.(?:[cm]?[jt]sx?|json[c5]?)$/i;

export function isImage(contentType: string): boolean {
  return IMAGE.test(contentType);
}

export function languageOf(path: string): "typescript" | "text" {
  return CODE.test(path) ? "typescript" : "text";
}

/** UTF-8 as text, its byte order mark kept; null: it is none. `isWhole`: a character may not be cut at the end. */
export function textOf(bytes: Uint8Array, isWhole: boolean): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: !isWhole });
    return text.includes("\u0000") ? null : text;
  } catch {
    return null;
  }
}

export type LineBreak = "\n" | "\r\n" | "mixed";

/** An editor knows only one kind of line break: which one a text has. */
export function lineBreakOf(text: string): LineBreak {
  const all = text.match(/\r\n|\r|\n/g) ?? [];
  if (all.every((found) => found === "\n")) return "\n";
  return all.every((found) => found === "\r\n") ? "\r\n" : "mixed";
}

/** As an editor has it: `\n` alone. */
export function editable(text: string): string {
  return text.replaceAll(/\r\n?/g, "\n");
}

/** As the file had it. Mixed line breaks become `\n`. */
export function asFile(text: string, lineBreak: LineBreak): string {
  return lineBreak === "\r\n" ? text.replaceAll("\n", "\r\n") : text;
}
