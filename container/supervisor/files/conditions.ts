// Validators of a file and the conditional headers of RFC 9110, section 13. Pure.
import type { BigIntStats } from "node:fs";

export interface Validators {
  /** Strong: it changes with every write, rename or change of mode. */
  readonly etag: string;
  readonly lastModified: string;
}

export function validatorsOf(stats: BigIntStats): Validators {
  const parts = [stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs];
  return {
    etag: `"${parts.map((part) => part.toString(36)).join("-")}"`,
    lastModified: new Date(Number(stats.mtimeMs)).toUTCString(),
  };
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
    if (!lists(ifMatch, current, "strong")) return "failed";
  } else if (unmodifiedSince !== null && current !== null && isLater(current.lastModified, unmodifiedSince)) {
    return "failed";
  }
  const isRead = method === "GET" || method === "HEAD";
  const ifNoneMatch = headers.get("if-none-match");
  const modifiedSince = headers.get("if-modified-since");
  if (ifNoneMatch !== null) {
    if (lists(ifNoneMatch, current, "weak")) return isRead ? "not_modified" : "failed";
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
  if (current === null) return false;
  if (header.trim() === "*") return true;
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
