// Validators of a file and the conditional headers of RFC 9110, section 13. Pure.

/** What tells one version of a file from another, on disk and in a snapshot alike. */
export interface Version {
  readonly size: number;
  /** Nanoseconds since the epoch. */
  readonly mtimeNs: bigint;
}

export interface Validators {
  /** Strong, as far as modification times are. The same before a sleep, during it and after it. */
  readonly etag: string;
  readonly lastModified: string;
}

export function validatorsOf({ size, mtimeNs }: Version): Validators {
  return {
    etag: `"${size.toString(36)}-${mtimeNs.toString(36)}"`,
    lastModified: dateOf(mtimeNs).toUTCString(),
  };
}

export function isoTime(mtimeNs: bigint): string {
  return dateOf(mtimeNs).toISOString();
}

const NS_PER_MS = 1_000_000n;
/** What a Date can hold, either way; files can be older and younger. */
const DATE_MS = 8_640_000_000_000_000;

function dateOf(ns: bigint): Date {
  const ms = Number((ns - (((ns % NS_PER_MS) + NS_PER_MS) % NS_PER_MS)) / NS_PER_MS);
  return new Date(Math.min(Math.max(ms, -DATE_MS), DATE_MS));
}

/** What the conditions of a request say about `current` (null: nothing is there). Order of RFC 9110, 13.2.2. */
export function evaluate(
  method: string,
  headers: Headers,
  current: Validators | null,
): "proceed" | "not_modified" | "failed" {
  const ifMatch = headers.get("if-match");
  const unmodifiedSince = headers.get("if-unmodified-since");
  if (ifMatch !== null) {
    if (!lists(ifMatch, current, "strong")) {
      return "failed";
    }
  } else if (unmodifiedSince !== null && current !== null && isLater(current.lastModified, unmodifiedSince)) {
    return "failed";
  }
  const isRead = method === "GET" || method === "HEAD";
  const ifNoneMatch = headers.get("if-none-match");
  const modifiedSince = headers.get("if-modified-since");
  if (ifNoneMatch !== null) {
    if (lists(ifNoneMatch, current, "weak")) {
      return isRead ? "not_modified" : "failed";
    }
  } else if (isRead && modifiedSince !== null && current !== null && isUntouchedSince(current, modifiedSince)) {
    return "not_modified";
  }
  return "proceed";
}

/** May a `Range` be answered with a part? Only of the very file that `If-Range` names. */
export function allowsRange(headers: Headers, current: Validators): boolean {
  const ifRange = headers.get("if-range");
  return ifRange === null || ifRange === current.etag || ifRange === current.lastModified;
}

function lists(header: string, current: Validators | null, comparison: "strong" | "weak"): boolean {
  if (current === null) {
    return false;
  }
  if (header.trim() === "*") {
    return true;
  }
  return header.split(",").some((entry) => {
    const tag = entry.trim();
    return tag === current.etag || (comparison === "weak" && tag === `W/${current.etag}`);
  });
}

function isLater(date: string, than: string): boolean {
  return Date.parse(date) > Date.parse(than);
}

function isUntouchedSince(current: Validators, since: string): boolean {
  return Date.parse(current.lastModified) <= Date.parse(since);
}
