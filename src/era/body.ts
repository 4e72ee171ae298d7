// JSON bodies. Some of the documents' own examples have a comment behind a value, `"code": "…" # it fails`, which no JSON
// has: it is taken out before anything is parsed. Outside of a string a `#` means nothing else, so what is JSON stays as it is.
import { JSON_DEPTH } from "../contract/limits.ts";
import { valueOf } from "../lib/problem-error.ts";
import { readJson } from "../lib/strict-json.ts";
import { BODY_BYTES } from "./limits.ts";

/** @throws ProblemError */
export async function readBody(request: Request): Promise<unknown> {
  const body: ReadableStream<Uint8Array> | null = request.body;
  const json = await readJson(
    new Request(request.url, { method: "POST", body: body === null ? null : body.pipeThrough(withoutComments()) }),
    { bytes: BODY_BYTES, depth: JSON_DEPTH },
  );
  return valueOf(json);
}

const NEW_LINE = 0x0a;
const SPACE = 0x20;
const QUOTE = 0x22;
const HASH = 0x23;
const BACKSLASH = 0x5c;

type Place = "json" | "string" | "escape" | "comment";

/** Comments become spaces. Works on bytes: all that it looks at is ASCII, which is no part of any other character in UTF-8. */
export function withoutComments(): TransformStream<Uint8Array, Uint8Array> {
  let place: Place = "json";
  return new TransformStream({
    transform(chunk, controller) {
      controller.enqueue(
        chunk.map((byte) => {
          place = NEXT[place](byte);
          return place === "comment" ? SPACE : byte;
        }),
      );
    },
  });
}

/** Where the byte leads to. */
const NEXT: Readonly<Record<Place, (byte: number) => Place>> = {
  json: (byte) => (byte === QUOTE ? "string" : byte === HASH ? "comment" : "json"),
  string: (byte) => (byte === QUOTE ? "json" : byte === BACKSLASH ? "escape" : "string"),
  escape: () => "string",
  comment: (byte) => (byte === NEW_LINE ? "json" : "comment"),
};
