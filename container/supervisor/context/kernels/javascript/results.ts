// What a value is shown as, by the contract's Result: always a plain text, and the richest form that it has beside it.
import { types } from "node:util";
import type { Result } from "../../../../../src/contract/contexts.ts";
import { CONTEXTS } from "../../../../../src/contract/limits.ts";
import { encodeJson, Raw } from "./json.ts";
import { toTable } from "./table.ts";

const TEXT_CHARACTERS = 64 * 1024;
const JSON_CHARACTERS = 1024 * 1024;
/** A mark at the end of what was cut. */
const CUT = "…";
/** Deno's convention for objects that show themselves: a function that gives data by MIME type, or a promise of it. */
const DISPLAY = Symbol.for("Jupyter.display");

export type Shown = { readonly [Member in keyof Result]: Result[Member] | Raw };

/** Some of it is the user's code: to be called where it can be interrupted. @throws what that threw */
export function toResult(value: unknown, main: boolean, mime: string | undefined): Shown | Promise<Shown> {
  if (types.isProxy(value)) return { type: "text", main, text: textOf(value) };
  if (mime !== undefined) return fromBundle({ [mime]: value }, textOf(value), main);
  if (value instanceof Blob && imageType(value.type) !== null) {
    return value.bytes().then((bytes) => toResult(bytes, main, undefined));
  }
  const show = showMethodOf(value);
  if (show === null) return limit(fromValue(value, main));
  const bundle: unknown = Reflect.apply(show, value, []);
  const finish = (made: unknown): Shown => fromBundle(made as object, textOf(value), main);
  return bundle instanceof Promise ? bundle.then(finish) : finish(bundle);
}

function showMethodOf(value: unknown): ((...args: unknown[]) => unknown) | null {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return null;
  const method: unknown = Reflect.get(value, DISPLAY);
  return typeof method === "function" ? (method as (...args: unknown[]) => unknown) : null;
}

function fromValue(value: unknown, main: boolean): Shown {
  const text = textOf(value);
  const bytes = bytesOf(value);
  const mime = bytes === null ? null : sniffImage(bytes);
  if (bytes !== null && mime !== null) return { type: "image", main, text, mime, data: toBase64(bytes) };
  const json = encodeJson(value, JSON_CHARACTERS);
  const table = toTable(value, textOf);
  if (table !== null) return { type: "table", main, text, ...(json === null ? {} : { json: new Raw(json) }), ...table };
  if (json !== null) return { type: "json", main, text, json: new Raw(json) };
  return { type: "text", main, text };
}

function fromBundle(bundle: object, plain: string, main: boolean): Shown {
  const parts: { -readonly [Member in keyof Shown]?: Shown[Member] } = {};
  let text = plain;
  for (const mime of Object.keys(bundle)) {
    const data: unknown = Reflect.get(bundle, mime);
    const bytes = bytesOf(data);
    if (mime === "text/plain") text = cut(String(data));
    else if (mime === "text/html") parts.html = String(data);
    else if (mime === "text/markdown") parts.markdown = String(data);
    else if (mime === "application/json") {
      const json = encodeJson(data, JSON_CHARACTERS);
      if (json !== null) parts.json = new Raw(json);
    } else if (mime === "image/svg+xml" || imageType(mime) !== null) {
      parts.mime = mime;
      parts.data = bytes === null ? String(data) : mime === "image/svg+xml" ? decode(bytes) : toBase64(bytes);
    }
  }
  const type =
    parts.data !== undefined
      ? "image"
      : parts.html !== undefined
        ? "html"
        : parts.markdown !== undefined
          ? "markdown"
          : parts.json !== undefined
            ? "json"
            : "text";
  return limit({ type, main, text, ...parts });
}

/** What is too large to be sent is shown as text alone. */
function limit(shown: Shown): Shown {
  let length = 0;
  for (const part of Object.values(shown)) {
    if (typeof part === "string") length += Buffer.byteLength(part);
    else if (part instanceof Raw) length += Buffer.byteLength(part.text);
    else if (Array.isArray(part)) length += encodeJson(part, CONTEXTS.resultBytes)?.length ?? CONTEXTS.resultBytes;
  }
  return length <= CONTEXTS.resultBytes ? shown : { type: "text", main: shown.main, text: shown.text };
}

function textOf(value: unknown): string {
  if (typeof value === "string" && value.length > TEXT_CHARACTERS)
    return cut(JSON.stringify(value.slice(0, TEXT_CHARACTERS)));
  const bytes = bytesOf(value);
  if (bytes !== null && bytes.length > TEXT_CHARACTERS) return `${bytes.constructor.name}(${bytes.length})`;
  try {
    return cut(Bun.inspect(value, { colors: false }));
  } catch {
    // The user's own way of being inspected.
    return Object.prototype.toString.call(value);
  }
}

function cut(text: string): string {
  return text.length <= TEXT_CHARACTERS ? text : text.slice(0, TEXT_CHARACTERS) + CUT;
}

function bytesOf(value: unknown): Uint8Array | null {
  if (value instanceof Uint8Array) return value;
  return value instanceof ArrayBuffer ? new Uint8Array(value) : null;
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

function imageType(mime: string): string | null {
  return /^image\/(?:png|jpeg|gif|webp)$/.test(mime) ? mime : null;
}

/** By its first bytes. */
function sniffImage(bytes: Uint8Array): string | null {
  const head = Buffer.from(bytes.subarray(0, 12)).toString("latin1");
  if (head.startsWith("\u0089PNG\r\n\u001A\n")) return "image/png";
  if (head.startsWith("\u00FF\u00D8\u00FF")) return "image/jpeg";
  if (/^GIF8[79]a/.test(head)) return "image/gif";
  return head.startsWith("RIFF") && head.endsWith("WEBP") ? "image/webp" : null;
}
