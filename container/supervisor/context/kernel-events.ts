// What an interpreter says, as far as it is believed. User code lives in the same process and may say anything: what is
// malformed is passed over, and what reaches a client has the shape that the contract promises.
import type { DroppedValue, Result, RunError } from "../../../src/contract/contexts.ts";
import { CONTEXTS } from "../../../src/contract/limits.ts";

export type KernelEvent =
  | { readonly event: "ready" }
  | { readonly event: "result"; readonly id: number; readonly result: Result }
  | { readonly event: "done"; readonly id: number; readonly error: RunError | null }
  | {
      readonly event: "saved" | "restored";
      readonly id: number;
      readonly dropped: readonly DroppedValue[];
      /** Why nothing of it was done; null: it was. */
      readonly failed: string | null;
    };

const TYPES: readonly Result["type"][] = ["text", "json", "html", "markdown", "image", "table"];
const TEXTS = ["html", "markdown", "mime", "data"] as const;
const DROPPED_MOST = 1000;
const NAME_CHARACTERS = 256;
const REASON_CHARACTERS = 1000;

type Fields = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Null for what is no event. */
export function parseEvent(line: string): KernelEvent | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (!isObject(value)) return null;
  const { event, id, failed } = value;
  if (event === "ready") return { event };
  if (typeof id !== "number") return null;
  switch (event) {
    case "result": {
      const result = toResult(value["result"]);
      return result === null ? null : { event, id, result };
    }
    case "done":
      return { event, id, error: toError(value["error"]) };
    case "saved":
    case "restored":
      return { event, id, dropped: toDropped(value["dropped"]), failed: typeof failed === "string" ? failed : null };
    default:
      return null;
  }
}

export function toDropped(value: unknown): DroppedValue[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, DROPPED_MOST).flatMap((entry: unknown) => {
    if (!isObject(entry) || typeof entry["name"] !== "string") return [];
    return { name: cut(entry["name"], NAME_CHARACTERS), reason: cut(textOf(entry["reason"]), REASON_CHARACTERS) };
  });
}

/** Each name once, with the first reason. */
export function mergeDropped(...lists: readonly (readonly DroppedValue[])[]): DroppedValue[] {
  const byName = new Map<string, DroppedValue>();
  for (const entry of lists.flat()) if (!byName.has(entry.name)) byName.set(entry.name, entry);
  return [...byName.values()];
}

function toResult(value: unknown): Result | null {
  if (!isObject(value)) return null;
  const type = TYPES.find((each) => each === value["type"]);
  if (type === undefined) return null;
  const result: Result = { type, main: value["main"] === true, text: textOf(value["text"]) };
  for (const name of TEXTS) {
    const text = value[name];
    if (typeof text === "string") result[name] = text;
  }
  // SAFETY: it was parsed from JSON.
  if ("json" in value) result.json = value["json"] as NonNullable<Result["json"]>;
  const { columns, rows } = value;
  if (Array.isArray(columns)) result.columns = columns.map(textOf);
  if (Array.isArray(rows)) {
    // SAFETY: as above.
    result.rows = rows.filter(Array.isArray).slice(0, CONTEXTS.tableRows) as NonNullable<Result["rows"]>;
  }
  return result;
}

function toError(value: unknown): RunError | null {
  if (!isObject(value)) return null;
  const traceback: string[] = [];
  let left = CONTEXTS.tracebackBytes;
  for (const line of Array.isArray(value["traceback"]) ? value["traceback"] : []) {
    if (typeof line !== "string" || (left -= Buffer.byteLength(line)) < 0) break;
    traceback.push(line);
  }
  return {
    name: cut(textOf(value["name"]), NAME_CHARACTERS),
    message: cut(textOf(value["message"]), CONTEXTS.tracebackBytes),
    traceback,
    line: toInteger(value["line"]),
    column: toInteger(value["column"]),
  };
}

function toInteger(value: unknown): number | null {
  return Number.isSafeInteger(value) ? Number(value) : null;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function cut(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters)}…`;
}
