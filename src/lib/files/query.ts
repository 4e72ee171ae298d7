// What the supervisor's file routes are asked for, out of their URLs.
import { decodePath, invalid, parsePath } from "./paths.ts";

export const RAW = "/raw/";

export function rawPath(url: URL): string {
  return parsePath(decodePath(url.pathname.slice(RAW.length)));
}

export function queryPath(url: URL, absent?: string): string {
  const path = url.searchParams.get("path") ?? absent;
  if (path === undefined) {
    throw invalid("The query has no path");
  }
  return parsePath(path);
}

export function isRecursive(url: URL): boolean {
  return url.searchParams.get("recursive") === "true";
}

export function queryNumber(url: URL, name: string, absent: number): number {
  const value = Number(url.searchParams.get(name) ?? absent);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw invalid(`${name} is not a whole number`);
  }
  return value;
}
