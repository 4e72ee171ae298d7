// Numbers of a query as a model gives them. In a URL they are text; their range and default are the contract's.
import * as z from "zod";

const Range = z.object({ minimum: z.int(), maximum: z.int(), default: z.int() });

/** `query` is one made by `intQuery`. */
export function intInput(query: z.ZodType<number, string | undefined>): z.ZodDefault<z.ZodInt> {
  const { override, description } = query.meta() ?? {};
  const { minimum, maximum, default: usual } = Range.parse(override);
  const int = z.int().min(minimum).max(maximum).default(usual);
  return description === undefined ? int : int.meta({ description });
}
