// From the JSON Schemas of the OpenAPI document to values that fit them, and from those to values that nearly do.
import * as fc from "fast-check";

export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly propertyNames?: JsonSchema;
  readonly examples?: readonly unknown[];
}

/** Deeper than any schema of ours but those that hold themselves. */
const DEPTH = 6;

export class SchemaArbitraries {
  readonly #schemas: Readonly<Record<string, JsonSchema>>;

  constructor(schemas: Readonly<Record<string, JsonSchema>>) {
    this.#schemas = schemas;
  }

  /** Values that fit, as far as JSON Schema can tell. */
  fitting(schema: JsonSchema, depth = 0): fc.Arbitrary<unknown> {
    if (schema.$ref !== undefined) {
      const name = schema.$ref.split("/").at(-1) ?? "";
      const target = this.#schemas[name];
      if (target === undefined) throw new Error(`no schema ${schema.$ref}`);
      return this.fitting(target, depth + 1);
    }
    if (depth > DEPTH) return fc.constant(null);
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
    const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf?.slice(0, 1);
    if (choices !== undefined) return fc.oneof(...choices.map((choice) => this.fitting(choice, depth + 1)));
    if (Array.isArray(schema.type)) {
      return fc.oneof(...schema.type.map((type: string) => this.fitting({ ...schema, type }, depth)));
    }
    const { type } = schema;
    switch (typeof type === "string" ? type : "any") {
      case "string":
        return text(schema);
      case "integer":
        return fc.integer(bounds(schema));
      case "number": {
        const { min, max } = bounds(schema);
        return fc.double({ min, max, noNaN: true });
      }
      case "boolean":
        return fc.boolean();
      case "null":
        return fc.constant(null);
      case "array":
        return fc.array(this.fitting(schema.items ?? {}, depth + 1), {
          minLength: schema.minItems ?? 0,
          maxLength: Math.min(schema.maxItems ?? 3, (schema.minItems ?? 0) + 3),
        });
      case "object":
        return this.#object(schema, depth);
      default:
        return fc.jsonValue({ maxDepth: 2 });
    }
  }

  #object(schema: JsonSchema, depth: number): fc.Arbitrary<unknown> {
    const properties = Object.entries(schema.properties ?? {});
    const fixed = fc.record(Object.fromEntries(properties.map(([name, of]) => [name, this.fitting(of, depth + 1)])), {
      requiredKeys: [...(schema.required ?? [])],
    });
    const more = schema.additionalProperties;
    if (more === undefined || typeof more === "boolean") return fixed;
    const extra = fc.dictionary(text(schema.propertyNames ?? {}), this.fitting(more, depth + 1), { maxKeys: 3 });
    return fc.tuple(extra, fixed).map(([one, other]) => Object.assign({}, one, other));
  }
}

function bounds({ minimum, exclusiveMinimum, maximum }: JsonSchema): { min: number; max: number } {
  const min = Math.max(minimum ?? -1e9, exclusiveMinimum === undefined ? -1e9 : exclusiveMinimum + 1);
  return { min, max: Math.max(min, Math.min(maximum ?? 1e9, 2 ** 31 - 1)) };
}

function text({ pattern, format, minLength = 0, maxLength = 40, examples }: JsonSchema): fc.Arbitrary<string> {
  const given = (examples ?? []).filter((example) => typeof example === "string");
  if (given.length > 0) return fc.constantFrom(...given);
  if (format === "date-time") {
    const years = { min: new Date("2000-01-01"), max: new Date("2100-01-01"), noInvalidDate: true };
    return fc.date(years).map((date) => date.toISOString());
  }
  if (format === "uri") return fc.constant("https://hooks.example.com/x");
  if (pattern !== undefined) {
    try {
      return fc.stringMatching(new RegExp(pattern), { maxLength: Math.min(maxLength, 40) });
    } catch {
      return fc.stringMatching(/^[a-z0-9]{1,20}$/);
    }
  }
  return fc.string({ minLength, maxLength: Math.max(minLength, Math.min(maxLength, 40)), unit: "grapheme" });
}

const deep = (depth: number): unknown => (depth === 0 ? 1 : [deep(depth - 1)]);

/** What is put where something else belongs. */
export const JUNK: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    0,
    0.5,
    1e308,
    2 ** 53,
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "../../etc/passwd",
    "/workspace/../etc/passwd",
    "//127.0.0.1:9797/",
    "ses_00000000000000000000",
    "SES_00000000000000000000",
    "'; DROP TABLE session; --",
    "$(id)",
    "\u202e",
    "1e3",
    "x".repeat(5000),
    "💥".repeat(300),
    "999999999999999999999",
    "1970-01-01T00:00:00Z",
    "http://169.254.169.254/latest",
    [],
    {},
    { toString: 1 },
    { constructor: { prototype: {} } },
    deep(70),
  ),
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: "binary" }),
);

export interface Edit {
  readonly where: number;
  readonly how: "replace" | "remove" | "add";
  readonly junk: unknown;
}

export const EDITS: fc.Arbitrary<readonly Edit[]> = fc.array(
  fc.record({
    where: fc.nat({ max: 1_000_000 }),
    how: fc.constantFrom<Edit["how"]>("replace", "remove", "add"),
    junk: JUNK,
  }),
  { minLength: 1, maxLength: 2 },
);

/** The value with each edit made at one of its places. Nothing of it is changed in place. */
export function edited(value: unknown, edits: readonly Edit[]): unknown {
  return edits.reduce((now, edit) => {
    const places = placesOf(now);
    const place = places[edit.where % places.length] ?? [];
    return at(now, place, (found) => {
      if (edit.how === "add" && typeof found === "object" && found !== null && !Array.isArray(found)) {
        return { ...found, extra: edit.junk };
      }
      return edit.how === "remove" ? undefined : edit.junk;
    });
  }, value);
}

type Place = readonly string[];

function placesOf(value: unknown, place: Place = []): Place[] {
  if (typeof value !== "object" || value === null) return [place];
  return [place, ...Object.entries(value).flatMap(([key, inner]) => placesOf(inner, [...place, key]))];
}

function at(value: unknown, [key, ...rest]: Place, change: (found: unknown) => unknown): unknown {
  if (key === undefined) return change(value);
  if (Array.isArray(value))
    return value.map((inner: unknown, index) => (String(index) === key ? at(inner, rest, change) : inner));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, name === key ? at(inner, rest, change) : inner]),
  );
}
