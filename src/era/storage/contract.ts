// The storage on the wire: KV, SQL and objects, as ERA's documents have them.
import * as z from "zod";
import { parseJson } from "../../lib/strict-json.ts";
import { JSON_DEPTH } from "../../contract/limits.ts";
import { Text } from "../../contract/primitives.ts";
import { KEY_BYTES, LISTED, METADATA_BYTES, SQL_BYTES, SQL_PARAMETERS } from "../../data/limits.ts";

const bytesOf = (text: string): number => new TextEncoder().encode(text).byteLength;

const Namespace = z
  .string()
  .regex(/^[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,63}$/, "must be 1 to 64 of a-z A-Z 0-9 . _ -, and not begin with a dot");
const Key = Text.min(1).refine((key) => bytesOf(key) <= KEY_BYTES, `is longer than ${KEY_BYTES} bytes`);

export const OfNamespace = z.object({ namespace: Namespace });
/** `path`: all that is left of a path, slashes included. */
export const OfEntry = z.object({ namespace: Namespace, path: Key });

/** As bytes. */
const Base64 = z.string().transform((text, context) => {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    context.addIssue("is not base64");
    return z.NEVER;
  }
});
const Metadata = z
  .record(z.string(), z.json())
  .refine((data) => bytesOf(JSON.stringify(data)) <= METADATA_BYTES, `is larger than ${METADATA_BYTES} bytes as JSON`)
  .nullish();
export const PutValue = z.strictObject({ value: z.json(), metadata: Metadata });
export const PutObject = z.strictObject({ content: Base64, metadata: Metadata });
export const Sql = z.strictObject({
  sql: Text.min(1).refine((sql) => bytesOf(sql) <= SQL_BYTES, `is longer than ${SQL_BYTES} bytes`),
  params: z
    .array(z.union([Text, z.number(), z.boolean(), z.null()]))
    .max(SQL_PARAMETERS)
    .default([]),
});

const Count = z.string().regex(/^\d{1,9}$/, "is not a whole number");
const Limit = Count.default(`${LISTED.usual}`).transform(Number).pipe(z.int().min(1).max(LISTED.most));
/** The last key of the page before. */
const Cursor = z
  .string()
  .max(KEY_BYTES * 2)
  .transform((text, context) => {
    try {
      const bytes = Uint8Array.fromBase64(text, { alphabet: "base64url" });
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      context.addIssue("is not a cursor of a page before");
      return z.NEVER;
    }
  });
const Prefix = Text.max(KEY_BYTES).default("");
export const EntryPage = z.object({ prefix: Prefix, limit: Limit, cursor: Cursor.optional() });
export const ResourcePage = z.object({
  type: z.enum(["kv", "d1", "r2"]).optional(),
  namespace: Namespace.optional(),
  key_prefix: Prefix,
  limit: Limit,
  offset: Count.default("0").transform(Number),
});

export function cursorAt(key: string): string {
  return new TextEncoder().encode(key).toBase64({ alphabet: "base64url" });
}

/** What was stored as JSON. */
export function jsonOf(text: string): unknown {
  const json = parseJson(text, JSON_DEPTH);
  return json.ok ? json.value : null;
}
