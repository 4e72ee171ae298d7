// Contents of files on their way into JSON and out of it.
import type { FileInput } from "./contract.ts";

/** What can be written as it is. */
export type Content = string | Uint8Array | ArrayBuffer | Blob;

/** One of several files. Bytes need no `encoding`; it tells how text stands for bytes. */
export interface FileToWrite {
  readonly path: string;
  readonly content: Content;
  /** Of text. Default: `utf-8`. */
  readonly encoding?: "utf-8" | "base64" | undefined;
}

export async function fileInput({ path, content, encoding }: FileToWrite): Promise<FileInput> {
  if (typeof content === "string") {
    return { path, content, ...(encoding === undefined ? {} : { encoding }) };
  }
  const bytes = content instanceof Blob ? await content.arrayBuffer() : content;
  return { path, content: toBase64(bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes)), encoding: "base64" };
}

/** As many as a call takes as arguments everywhere; a multiple of three, so that the pieces fit together. */
const PIECE = 0x8000 - (0x8000 % 3);

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += PIECE) {
    text += btoa(String.fromCharCode(...bytes.subarray(at, at + PIECE)));
  }
  return text;
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
