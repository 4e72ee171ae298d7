// Reads a JSON body that can be trusted to mean one thing: bounded, UTF-8, no duplicate keys, no bottomless nesting, no
// lone surrogates. JSON.parse alone would take the last of two equal keys and replace what UTF-8 cannot hold. The
// scan is linear and skips through strings with indexOf, since large bodies are long strings.
import { fail, ok } from "./result.ts";
import type { Result } from "./result.ts";

export interface JsonLimits {
  readonly bytes: number;
  readonly depth: number;
}

/** The body of `request` as a value; an empty body is `{}`. Fails with `invalid_request` or `payload_too_large`. */
export async function readJson(request: Request, limits: JsonLimits): Promise<Result<unknown>> {
  const bytes = await readBytes(request, limits.bytes);
  if (!bytes.ok) {
    return bytes;
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes.value);
  } catch {
    return fail("invalid_request", "The body is not UTF-8.");
  }
  return text.trim() === "" ? ok({}) : parseJson(text, limits.depth);
}

/** `JSON.parse` with the rules above. */
export function parseJson(text: string, depth: number): Result<unknown> {
  const scan = scanJson(text, depth);
  if (!scan.ok) {
    return scan;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return fail("invalid_request", "The body is not JSON.");
  }
  if (scan.value.surrogates && !isWellFormed(value)) {
    return fail("invalid_request", "The body has a lone surrogate (\\ud800 to \\udfff), which UTF-8 cannot hold.");
  }
  return ok(value);
}

async function readBytes(request: Request, limit: number): Promise<Result<Uint8Array>> {
  const tooLarge = fail("payload_too_large", `The body is larger than ${limit} bytes.`, { limitBytes: limit });
  const declared = request.headers.get("content-length");
  if (declared !== null) {
    return Number(declared) > limit ? tooLarge : ok(new Uint8Array(await request.arrayBuffer()));
  }
  if (request.body === null) {
    return ok(new Uint8Array());
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  const body: ReadableStream<Uint8Array> = request.body;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) {
      return tooLarge;
    }
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return ok(bytes);
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Finds duplicate keys and excessive depth. What is not JSON at all may pass: JSON.parse comes after. `surrogates`: an
 * escape of one occurs, so the value has to be looked at.
 */
function scanJson(text: string, depthLimit: number): Result<{ surrogates: boolean }> {
  const find = stringFinder(text);
  // One entry per open object or array: the keys seen, or null for an array.
  const open: (Set<string> | null)[] = [];
  let expectKey = false;
  for (let index = 0; index < text.length; index++) {
    switch (text.charCodeAt(index)) {
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        expectKey = text.charCodeAt(index) === OPEN_OBJECT;
        open.push(expectKey ? new Set() : null);
        if (open.length > depthLimit) {
          return fail("invalid_request", `The body nests deeper than ${depthLimit} levels.`);
        }
        break;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        open.pop();
        expectKey = false;
        break;
      case COMMA:
        expectKey = (open.at(-1) ?? null) !== null;
        break;
      case QUOTE: {
        const end = find.end(index);
        if (end === -1) {
          return fail("invalid_request", "The body is not JSON: a string does not end.");
        }
        if (expectKey) {
          const key = keyOf(text.slice(index, end + 1));
          const keys = open.at(-1);
          if (keys?.has(key)) {
            return fail("invalid_request", `The body has the key ${JSON.stringify(key)} twice in one object.`);
          }
          keys?.add(key);
          expectKey = false;
        }
        index = end;
        break;
      }
    }
  }
  return ok({ surrogates: find.surrogates });
}

/** Finds the closing quote of strings, for starts that only grow. Both look-aheads are kept, so that it stays linear. */
function stringFinder(text: string): { end(start: number): number; readonly surrogates: boolean } {
  let quote = -1;
  let escape = -1;
  let surrogates = false;
  const next = (character: string, from: number): number => {
    const found = text.indexOf(character, from);
    return found === -1 ? text.length : found;
  };
  return {
    end(start) {
      let from = start + 1;
      for (;;) {
        quote = quote < from ? next('"', from) : quote;
        escape = escape < from ? next("\\", from) : escape;
        if (quote < escape) {
          return quote;
        }
        if (escape >= text.length - 1) {
          return -1;
        }
        surrogates ||= isSurrogateEscape(text, escape);
        from = escape + 2;
      }
    },
    get surrogates() {
      return surrogates;
    },
  };
}

function isSurrogateEscape(text: string, escape: number): boolean {
  return text[escape + 1] === "u" && /[dD]/.test(text[escape + 2] ?? "") && /[89a-fA-F]/.test(text[escape + 3] ?? "");
}

/** Two spellings of one key, such as "a" and "\u0061", are the same key. */
function keyOf(literal: string): string {
  if (!literal.includes("\\")) {
    return literal.slice(1, -1);
  }
  try {
    return String(JSON.parse(literal));
  } catch {
    return literal;
  }
}

function isWellFormed(value: unknown): boolean {
  if (typeof value === "string") {
    return value.isWellFormed();
  }
  if (typeof value !== "object" || value === null) {
    return true;
  }
  return Object.entries(value).every(([key, member]) => key.isWellFormed() && isWellFormed(member));
}
