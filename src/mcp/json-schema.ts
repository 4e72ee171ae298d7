// The JSON Schema of a tool's input or output. Written out in full, since not every client follows `$ref`, and once per
// schema, since a server is set up for every request.
import type { StandardSchemaWithJSON } from "@modelcontextprotocol/server";
import * as z from "zod";

type Json = Record<string, unknown>;

/** Of what may be given: an output so described is not closed, and may gain members. */
export function withJsonSchema(schema: z.ZodObject): StandardSchemaWithJSON {
  let json: Json | undefined;
  const once = (): Json => (json ??= inlined(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" })));
  return { "~standard": { ...schema["~standard"], jsonSchema: { input: once, output: once } } };
}

/** Says nothing that a model could use, and every tool has it in every context. */
function isIdle(name: string, part: unknown, beside: Json): boolean {
  const ofFormat = name === "pattern" && typeof beside["format"] === "string";
  return ofFormat || part === Number.MAX_SAFE_INTEGER || part === Number.MIN_SAFE_INTEGER;
}

function inlined({ $defs = {}, $schema, ...schema }: Json): Json {
  // SAFETY: as zod writes it.
  const definitions = $defs as Record<string, Json>;
  const written = (value: unknown, within: readonly string[]): unknown => {
    if (Array.isArray(value)) {
      return value.map((one) => written(one, within));
    }
    if (typeof value !== "object" || value === null) {
      return value;
    }
    const { $ref, id, ...rest } = value as Json;
    const told = Object.entries(rest).filter(([name, part]) => !isIdle(name, part, rest));
    const own = Object.fromEntries(told.map(([name, part]) => [name, written(part, within)]));
    if (typeof $ref !== "string") {
      // What zod takes from `.meta()` for the definition's name; a property may be called so.
      return typeof id === "string" || id === undefined ? own : { ...own, id: written(id, within) };
    }
    const name = $ref.replace("#/$defs/", "");
    // One that holds itself can be anything: only metadata does.
    return within.includes(name) ? own : { ...Object(written(definitions[name], [...within, name])), ...own };
  };
  // SAFETY: an object stays one.
  return { $schema, ...(written(schema, []) as Json) };
}
