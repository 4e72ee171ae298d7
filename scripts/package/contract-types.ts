// src/sdk/contract.ts as plain TypeScript: every name in it is looked up in the contract and written out from its schema.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { compile, type JSONSchema } from "json-schema-to-typescript";
import * as z from "zod";
import { ERRORS } from "../../src/contract/errors.ts";
import { ROOT } from "../../src/local/repository.ts";

const CONTRACT = path.join(ROOT, "src/sdk/contract.ts");
const IMPORT = /^import type \* as (\w+) from "(\.[^"]+)";$/gm;
const STATEMENT = /^export type [^;]*;/gm;
const INPUT = /^export type (\w+) = z\.input<typeof (\w+)\.(\w+)>;$/;
const OUTPUT = /^export type (\w+) = (?:z\.output<typeof )?(\w+)\.(\w+)>?;$/;
/** Of what the file has itself, so it can stay as it is. */
const OWN = /^export type \w+ = [A-Z]\w*(\["\w+"\])*;$/;
/** Those in errors.ts, which is no schema. */
const ERROR_CODE = 'export type { ErrorCode } from "../contract/errors.ts";';

/** What the compiler of schemas adds about itself: the shape of the whole, and remarks on where a part is used. */
const ADDED =
  /^export interface Contract \{[^}]*\}\n| \*\n(?= \* This interface was referenced)|^\/\*\*\n \* This interface was referenced by[^/]*\*\/\n| \* This interface was referenced by .*\n \* via the .*\n/gm;
const JSON_VALUE = "export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };";

type Direction = "input" | "output";

/** @throws Error quoting a line that is none of these */
export async function contractTypes(): Promise<string> {
  const source = await readFile(CONTRACT, "utf8");
  const modules = new Map<string, Record<string, unknown>>();
  for (const [, name, file] of source.matchAll(IMPORT)) {
    // SAFETY: a module's namespace is a record.
    const url = pathToFileURL(path.resolve(path.dirname(CONTRACT), file ?? "")).href;
    modules.set(name ?? "", (await import(url)) as Record<string, unknown>);
  }
  const schemas: Record<Direction, Map<string, z.ZodType>> = { input: new Map(), output: new Map() };
  const others: string[] = [];
  for (const [statement] of source.matchAll(STATEMENT)) {
    const direction = INPUT.test(statement) ? "input" : "output";
    const [, name, module, original] = INPUT.exec(statement) ?? OUTPUT.exec(statement) ?? [];
    const schema = modules.get(module ?? "")?.[original ?? ""];
    if (name !== undefined && schema instanceof z.ZodType) schemas[direction].set(name, schema);
    // Without a schema it is a type of the SDK's inside, or the package's types would not compile without it.
    else if (name !== undefined && schema === undefined) continue;
    else if (OWN.test(statement)) others.push(statement);
    else if (statement === ERROR_CODE) others.push(union("ErrorCode", Object.keys(ERRORS)));
    else throw new Error(`src/sdk/contract.ts: not understood: ${statement}`);
  }
  const written = await Promise.all((["input", "output"] as const).map((io) => write(schemas[io], io)));
  return ["// The shapes on the wire.", JSON_VALUE, ...written, ...others, ""].join("\n\n");
}

async function write(schemas: ReadonlyMap<string, z.ZodType>, io: Direction): Promise<string> {
  const registry = z.registry<{ id: string }>();
  // The first name of a schema is its name; another one refers to it.
  const first = new Map<z.ZodType, string>();
  const aliases: string[] = [];
  for (const [name, schema] of schemas) {
    const known = first.get(schema);
    if (known !== undefined) aliases.push(`export type ${name} = ${known};`);
    else {
      first.set(schema, name);
      registry.add(schema, { id: name });
    }
  }
  const { schemas: definitions } = z.toJSONSchema(registry, {
    io,
    metadata: z.registry(),
    uri: (id) => `#/$defs/${id}`,
    override: ({ zodSchema, jsonSchema }) => {
      const description = z.globalRegistry.get(zodSchema)?.description;
      if (description !== undefined) jsonSchema.description = description;
    },
  });
  for (const definition of Object.values(definitions)) {
    delete definition.$id;
    delete definition.$schema;
  }
  // What refers to itself is put there, and that is z.json() alone.
  delete definitions["__shared"];
  const json = (key: string, value: unknown): unknown =>
    typeof value === "object" && value !== null && "$ref" in value && String(value.$ref).includes("__shared")
      ? { tsType: "Json" }
      : value;
  // SAFETY: the same draft of the same format, typed by two authors.
  const text = await compile(JSON.parse(JSON.stringify({ $defs: definitions }, json)) as JSONSchema, "Contract", {
    additionalProperties: false,
    bannerComment: "",
    ignoreMinAndMaxItems: true,
    style: { printWidth: 120 },
    unreachableDefinitions: true,
  });
  return [text.replaceAll(ADDED, ""), ...aliases].join("\n");
}

function union(name: string, members: readonly string[]): string {
  return `export type ${name} =\n${members.map((member) => `  | "${member}"`).join("\n")};`;
}
