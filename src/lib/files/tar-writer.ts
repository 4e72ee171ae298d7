// Writes the headers of a tar stream in GNU's format, which takes any name of any length, any size and any time. Pure;
// names are byte strings, as in contract/manifest.ts.
import { bytesOf } from "../manifest.ts";

const BLOCK_BYTES = 512;
const NAME_BYTES = 100;
const TYPES = { file: "0", hardlink: "1", symlink: "2", directory: "5" } as const;

export interface TarHeader {
  /** Without a slash at its end. */
  readonly name: string;
  readonly type: keyof typeof TYPES;
  readonly mode: number;
  readonly owner: number;
  /** Of a file; what follows the header, then `tarPadding`. */
  readonly sizeBytes?: number;
  /** Whole seconds since the epoch; may be negative. */
  readonly modifiedSeconds: number;
  readonly linkName?: string;
}

/** One or more blocks. */
export function tarHeader(header: TarHeader): Uint8Array<ArrayBuffer> {
  const name = header.type === "directory" ? `${header.name}/` : header.name;
  const link = header.linkName ?? "";
  const parts = [...longName("K", link), ...longName("L", name), block({ ...header, name, type: TYPES[header.type] })];
  return concat(parts);
}

/** Zeros after a file's bytes. */
export function tarPadding(sizeBytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** What a tar stream ends with. */
export function tarEnd(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(2 * BLOCK_BYTES);
}

/** An entry before the entry, whose content is the name. */
function longName(type: "K" | "L", name: string): Uint8Array<ArrayBuffer>[] {
  if (name.length <= NAME_BYTES) {
    return [];
  }
  const data = bytesOf(`${name}\0`);
  const header = block({
    name: "././@LongLink",
    type,
    mode: 0,
    owner: 0,
    sizeBytes: data.length,
    modifiedSeconds: 0,
  });
  return [header, data, tarPadding(data.length)];
}

function block(header: Omit<TarHeader, "type"> & { readonly type: string }): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(BLOCK_BYTES);
  const put = (at: number, text: string): void => bytes.set(bytesOf(text), at);
  put(0, header.name.slice(0, NAME_BYTES));
  putNumber(bytes.subarray(100, 108), header.mode);
  putNumber(bytes.subarray(108, 116), header.owner);
  putNumber(bytes.subarray(116, 124), header.owner);
  putNumber(bytes.subarray(124, 136), header.sizeBytes ?? 0);
  putNumber(bytes.subarray(136, 148), header.modifiedSeconds);
  put(156, header.type);
  put(157, (header.linkName ?? "").slice(0, NAME_BYTES));
  put(257, "ustar  \0");
  // The sum counts its own place as spaces.
  put(148, "        ");
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return bytes;
}

/** Octal text and a zero; where that does not fit, a binary number marked by its first bit. */
function putNumber(field: Uint8Array, value: number): void {
  const digits = value.toString(8);
  if (value >= 0 && digits.length < field.length) {
    field.set(bytesOf(`${digits.padStart(field.length - 1, "0")}\0`));
    return;
  }
  let rest = BigInt(value);
  for (let at = field.length - 1; at > 0; at--) {
    field[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  field[0] = value < 0 ? 0xff : 0x80;
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
