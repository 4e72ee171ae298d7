// Small schemas that several resources share.
import * as z from "zod";
import { ENV_VALUE_BYTES, ENV_VARIABLES, PATH_BYTES } from "./limits.ts";

/** Text that survives UTF-8: a lone surrogate would be replaced without a word, so it is refused. */
export const Text = z.string().refine((text) => text.isWellFormed(), "has a lone surrogate, which UTF-8 cannot hold");

const hasNullByte = (text: string): boolean => text.includes("\0");

/** A path in the workspace: relative to it, or absolute inside it. Containment is checked where the files are. */
export const WorkspacePath = Text.min(1)
  .refine((path) => !hasNullByte(path), "has a null byte")
  .refine((path) => new TextEncoder().encode(path).length <= PATH_BYTES, `is longer than ${PATH_BYTES} bytes`)
  .describe("Relative to /workspace, or absolute inside it");

export const IsoTime = z.iso.datetime().describe("ISO 8601, UTC");

/** `?limit=50` as a number. Query values are text on the wire. */
export const intQuery = (range: { min: number; max: number; default: number }): z.ZodType<number, string | undefined> =>
  z
    .string()
    .regex(/^\d{1,9}$/, "is not a whole number")
    .optional()
    .transform((text) => (text === undefined ? range.default : Number(text)))
    .pipe(z.number().min(range.min).max(range.max))
    .meta({ override: { type: "integer", minimum: range.min, maximum: range.max, default: range.default } });

export const booleanQuery = z
  .enum(["true", "false"])
  .default("false")
  .transform((text) => text === "true");

export const Paging = z.object({
  limit: intQuery({ min: 1, max: 100, default: 50 }),
  offset: intQuery({ min: 0, max: 999_999_999, default: 0 }),
});

export const Encoding = z.enum(["utf-8", "base64"]);

const EnvironmentName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "is not a variable name");
export const Environment = z
  .record(
    EnvironmentName,
    Text.max(ENV_VALUE_BYTES).refine((value) => !value.includes("\0"), "has a null byte"),
  )
  .refine((env) => Object.keys(env).length <= ENV_VARIABLES, `has more than ${ENV_VARIABLES} variables`);
