// The query of a URL as an object. URLSearchParams would take bad percent-encoding as it comes and hide repeated names.
import { fail, ok } from "./result.ts";
import type { Result } from "./result.ts";

/** `search` with or without its `?`. Fails on malformed encoding, on what is not UTF-8, and on a name given twice. */
export function parseQuery(search: string): Result<Record<string, string>> {
  const query = new Map<string, string>();
  for (const part of search.replace(/^\?/, "").split("&")) {
    if (part === "") {
      continue;
    }
    const equals = part.indexOf("=");
    const name = decode(equals === -1 ? part : part.slice(0, equals));
    const value = decode(equals === -1 ? "" : part.slice(equals + 1));
    if (name === null || value === null) {
      return fail("invalid_request", `The query has malformed percent-encoding in \`${part.slice(0, 100)}\`.`);
    }
    if (query.has(name)) {
      return fail("invalid_request", `The query gives \`${name.slice(0, 100)}\` twice.`);
    }
    query.set(name, value);
  }
  return ok(Object.fromEntries(query));
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return null;
  }
}
