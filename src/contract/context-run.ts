// A run in a context: an execution whose code an interpreter takes that is there already, see contexts.ts.
import * as z from "zod";
import { ContextRun, Result } from "./contexts.ts";
import { ExecuteAnswer } from "./execute.ts";
import { SOURCE_BYTES } from "./limits.ts";
import { Encoding, Environment, Text } from "./primitives.ts";

export const RunRequest = z
  .strictObject({
    code: Text.max(SOURCE_BYTES).meta({ description: "Its last expression is the main result" }),
    env: Environment.default({}).meta({ description: "For this run alone" }),
    timeout: z.number().positive().max(300).optional().meta({
      description: "Seconds, those included that it waits for its turn; default: the session's, 30",
    }),
    encoding: Encoding.default("utf-8"),
    stream: z.boolean().default(false).meta({ description: "Answer with server-sent events" }),
  })
  .meta({ id: "RunRequest" });
export type RunRequest = z.infer<typeof RunRequest>;

export const RunAnswer = ExecuteAnswer.extend({
  exitCode: z.int().nullable().meta({ description: "0; 1 with an error; null: the interpreter ended" }),
  results: z.array(Result).meta({ description: "In the order in which they were shown" }),
  ...ContextRun.shape,
}).meta({ id: "RunAnswer" });
export type RunAnswer = z.infer<typeof RunAnswer>;
