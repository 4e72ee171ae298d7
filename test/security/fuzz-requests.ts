// Requests for an operation, generated from its entry in the OpenAPI document: half of them fit it, the others nearly do.
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import type { Operation } from "./operations.ts";
import { pathOf, queryOf } from "./operations.ts";
import { EDITS, edited, JUNK } from "./schema-arbitrary.ts";
import type { Edit, JsonSchema, SchemaArbitraries } from "./schema-arbitrary.ts";
import { tamed, valuesFor } from "./fuzz-world.ts";
import type { World } from "./fuzz-world.ts";

export interface FuzzRequest {
  readonly operation: string;
  readonly method: string;
  /** With query, below `/api`. */
  readonly path: string;
  /** JSON, or bytes as base64. */
  readonly body: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly key: "own" | "none" | "wrong";
}

/** An operation's entry in the document, as far as it is used here. */
export interface Described {
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema: JsonSchema;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> };
  readonly responses: Readonly<Record<string, unknown>>;
}

const HEADERS = fc.oneof(
  { weight: 8, arbitrary: fc.constant({}) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Record<string, string>>(
      { "content-type": "text/plain" },
      { "content-type": "application/xml; charset=utf-16" },
      { accept: "text/html" },
      { "content-encoding": "gzip" },
      { "if-match": '"nothing"' },
      { range: "bytes=5-2" },
      { "x-buntime-account": "default", "x-buntime-port": "9797" },
      { "x-http-method-override": "DELETE" },
      { "x-forwarded-host": "evil.example", "x-original-url": "/api/admin/accounts" },
      { cookie: "session=1; buntime-preview=btp_x" },
      { origin: "null" },
      { "idempotency-key": "\u00e9 \t x" },
      { "idempotency-key": "x".repeat(300) },
    ),
  },
);

const hostile = JUNK.map((junk) => (typeof junk === "string" ? junk : JSON.stringify(junk))).filter((text) =>
  text.isWellFormed(),
);
/** What a URL parser would resolve, or no template matches, is another path and not this operation any more. */
const isSegment = (text: string): boolean => text !== "" && !text.split("/").some((part) => /^\.{0,2}$/.test(part));

export function requestsFor(
  { name, route }: Operation,
  described: Described,
  { schemas, world }: { readonly schemas: SchemaArbitraries; readonly world: World },
): fc.Arbitrary<FuzzRequest> {
  const value = (parameter: string, schema: JsonSchema): fc.Arbitrary<string> => {
    const known = valuesFor(name, parameter, world);
    const fitting = schemas.fitting(schema).map(String);
    return fc.oneof(
      ...(known.length === 0 ? [] : [{ weight: 6, arbitrary: fc.constantFrom(...known) }]),
      { weight: 2, arbitrary: fitting },
      { weight: 1, arbitrary: hostile },
    );
  };
  const place = (where: string): typeof described.parameters =>
    described.parameters?.filter((one) => one.in === where) ?? [];
  const params = fc.record(
    Object.fromEntries(
      (place("path") ?? []).map(({ name: parameter, schema }) => [
        parameter,
        value(parameter, schema).filter((text) => text.isWellFormed() && isSegment(text)),
      ]),
    ),
  );
  const query = fc.record(
    Object.fromEntries(
      (place("query") ?? []).map(({ name: parameter, schema }) => [
        parameter,
        value(parameter, schema).filter((text) => text.isWellFormed()),
      ]),
    ),
    {
      requiredKeys: (place("query") ?? [])
        .filter(({ required }) => required === true)
        .map((parameter) => parameter.name),
    },
  );
  const key = fc.oneof(
    { weight: 94, arbitrary: fc.constant("own" as const) },
    { weight: 6, arbitrary: fc.constantFrom("none" as const, "wrong" as const) },
  );
  return fc
    .record({ params, query, body: bodyFor(name, described, schemas, world), headers: HEADERS, key })
    .map(({ params: filled, query: asked, body, headers, key: which }) => ({
      operation: name,
      method: route.method.toUpperCase(),
      path: pathOf(route, filled) + queryOf(asked),
      body,
      headers,
      key: which,
    }));
}

function bodyFor(
  name: string,
  { requestBody }: Described,
  schemas: SchemaArbitraries,
  world: World,
): fc.Arbitrary<string | null> {
  if (requestBody === undefined) return fc.constant(null);
  const schema = requestBody.content["application/json"]?.schema;
  if (schema === undefined) {
    const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
    return fc.oneof(bytes, fc.constant(gzipSync(Buffer.alloc(1024)))).map((body) => body.toString("base64"));
  }
  const fitting = schemas.fitting(schema).map((body) => tamed(name, known(name, body, world)));
  const edits: fc.Arbitrary<readonly Edit[]> = fc.oneof(fc.constant([]), EDITS);
  return fc.oneof(
    {
      weight: 19,
      arbitrary: fc.tuple(fitting, edits).map(([body, change]) => JSON.stringify(edited(body, change)) ?? ""),
    },
    { weight: 1, arbitrary: fc.constantFrom("", "{", "null", "[]", '{"a":1,"a":2}', '"x"', "{}{}", "\ufeff{}") },
  );
}

/** The body with values that exist wherever a field takes them. */
function known(name: string, body: unknown, world: World): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  return Object.fromEntries(
    Object.entries(body).map(([field, value]) => [
      field,
      typeof value === "string" ? (valuesFor(name, field, world)[0] ?? value) : value,
    ]),
  );
}
