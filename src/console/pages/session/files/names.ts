// File names as people see them, and as they type them. A name may hold anything but a slash and a null byte: what could
// not be seen, or would turn the text around, is shown as an escape, as in a string of TypeScript. Pure.
import { PATH_BYTES } from "../../../../contract/limits.ts";

const UNSEEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff\\]|\p{Surrogate}/gu;
const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };
const LONG: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", "\\": "\\" };
const ESCAPE = /\\(?:u([0-9a-f]{4})|([nrt\\]))/gi;

/** Linux's NAME_MAX. */
const NAME_BYTES = 255;

/** `a\nb` for a name with a line break in it. `typedName` is the way back. */
export function shownName(name: string): string {
  return name.replaceAll(UNSEEN, (found) => SHORT[found] ?? escapeOf(found));
}

/** What a text stands for in which escapes may have been typed. What is no escape stays as it is. */
export function typedName(text: string): string {
  return text.replaceAll(ESCAPE, (found, code?: string, letter?: string) =>
    code === undefined ? (LONG[letter ?? ""] ?? found) : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

/** A line out of a file: only what cannot be seen is replaced, a backslash stays one. */
export function shownLine(line: string): string {
  return line.replaceAll(UNSEEN, (found) => (found === "\\" || found === "\t" ? found : escapeOf(found)));
}

export function joinPath(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/** `src` for `src/a.ts`; the workspace itself is "". */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The folders above a path, the outermost first, without the workspace itself. */
export function foldersAbove(path: string): readonly string[] {
  const folder = folderOf(path);
  return folder === "" ? [] : [...foldersAbove(folder), folder];
}

/** Whether `path` is `folder`, or is in it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** A typed path as the tree has it: relative to the workspace. */
export function cleanPath(text: string): string {
  return text.replace(/^\/workspace(?=\/|$)/, "").replaceAll(/^\/+|\/+$/g, "");
}

/** Why nothing can be at this path, in a sentence; null: it can. */
export function complaintAbout(path: string): string | null {
  if (path === "") return "It needs a name.";
  const segments = path.split("/");
  if (path.includes("\u0000")) return "A name cannot hold a null byte.";
  if (segments.includes("")) return "There is a folder without a name in it.";
  if (segments.some((segment) => segment === "." || segment === "..")) return "A name cannot be . or ..";
  const bytes = (text: string): number => new TextEncoder().encode(text).length;
  if (segments.some((segment) => bytes(segment) > NAME_BYTES)) return `A name can have ${NAME_BYTES} bytes.`;
  return bytes(path) > PATH_BYTES ? `A path can have ${PATH_BYTES} bytes.` : null;
}

function escapeOf(found: string): string {
  return `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
