// What one operation of ERA's API is, and how its input is parsed before its handler sees it.
import type * as z from "zod";
import { ProblemError } from "../lib/problem-error.ts";
import type { EraCall } from "./call.ts";

type Method = "GET" | "PUT" | "POST" | "PATCH" | "DELETE" | "ALL";
type Output<S> = S extends z.ZodType ? z.output<S> : undefined;

interface Definition<P, Q, B> {
  readonly method: Method;
  /** `{name}` for a parameter; `{path}` at the end takes the rest, slashes included. */
  readonly path: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  answer(
    call: EraCall,
    input: { readonly params: Output<P>; readonly query: Output<Q>; readonly body: Output<B> },
  ): Promise<Response>;
}

export interface EraRoute extends Omit<Definition<z.ZodType, z.ZodType, z.ZodType>, "answer"> {
  answer(call: EraCall, input: { params: unknown; query: unknown; body: unknown }): Promise<Response>;
}

export function route<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
  definition: Definition<P, Q, B>,
): EraRoute {
  return definition;
}

const ISSUES_TOLD = 10;

/** @throws ProblemError `invalid_request` */
export function parse(schema: z.ZodType | undefined, raw: unknown, where: string): unknown {
  if (schema === undefined) {
    return undefined;
  }
  const parsed = schema.safeParse(raw);
  if (parsed.success) {
    return parsed.data;
  }
  const issues = parsed.error.issues
    .slice(0, ISSUES_TOLD)
    .map(({ path, message }) => ({ path: path.join("."), message }));
  const first = issues[0];
  const place = first === undefined || first.path === "" ? `The ${where}` : `\`${first.path}\` in the ${where}`;
  throw new ProblemError("invalid_request", `${place}: ${first?.message ?? "is not valid"}.`, { in: where, issues });
}
