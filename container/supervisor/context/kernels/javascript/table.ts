// Rows of plain objects as a table.
import { CONTEXTS } from "../../../../../src/contract/limits.ts";
import { encodeJson, Raw } from "./json.ts";

const COLUMNS_MOST = 200;
const CELL_CHARACTERS = 16 * 1024;

export interface Table {
  readonly columns: string[];
  readonly rows: Raw;
}

/** Null where it is not an array of plain objects, or an empty one. */
export function toTable(value: unknown, textOf: (value: unknown) => string): Table | null {
  if (!Array.isArray(value) || value.length === 0 || !isEvery(value, isRow)) return null;
  const shown: object[] = value.slice(0, CONTEXTS.tableRows);
  const columns = [...new Set(shown.flatMap((row) => Object.keys(row)))].slice(0, COLUMNS_MOST);
  if (columns.length === 0) return null;
  const cell = (row: object, column: string): string => {
    const descriptor = Reflect.getOwnPropertyDescriptor(row, column);
    if (descriptor === undefined) return "null";
    if (!("value" in descriptor)) return JSON.stringify("[Getter]");
    if (descriptor.value === undefined) return "null";
    return (
      encodeJson(descriptor.value, CELL_CHARACTERS) ??
      JSON.stringify(textOf(descriptor.value).slice(0, CELL_CHARACTERS))
    );
  };
  const rows = shown.map((row) => `[${columns.map((column) => cell(row, column)).join(",")}]`);
  return { columns, rows: new Raw(`[${rows.join(",")}]`) };
}

/** Unlike `every`, it does not pass over holes. */
function isEvery(values: readonly unknown[], test: (value: unknown) => boolean): boolean {
  for (let index = 0; index < values.length; index++) if (!test(values[index])) return false;
  return true;
}

function isRow(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype = Reflect.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
