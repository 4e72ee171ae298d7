// Contexts on the wire. One is an interpreter of a session that keeps its variables from run to run and, as far as they can
// be saved, over the session's sleep. A run is an execution: it has an id, a record and an output that can be followed.
import * as z from "zod";
import { CONTEXT_ID } from "./ids.ts";
import { languageNames } from "./language.ts";
import { CONTEXTS } from "./limits.ts";
import { IsoTime, WorkspacePath } from "./primitives.ts";

export const ContextId = z
  .string()
  .regex(CONTEXT_ID, "is not the id of a context")
  .meta({ description: "`ctx_` and 20 characters of 0-9a-z" });

export const ContextLanguage = z.enum(["javascript", "typescript", "python"]).meta({ id: "ContextLanguage" });
export type ContextLanguage = z.infer<typeof ContextLanguage>;

export const CreateContext = z
  .strictObject({
    language: languageNames(ContextLanguage.options),
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, "must be 1 to 64 of a-z 0-9 _ -")
      .optional()
      .meta({ description: "For you to tell them apart; calls use the id" }),
    workingDir: WorkspacePath.default("/workspace"),
  })
  .meta({ id: "CreateContext" });
export type CreateContext = z.infer<typeof CreateContext>;

/** What is told once, on the next run: the interpreter ended, and its variables with it. */
export const LostContext = z.object({
  at: IsoTime,
  reason: z.string().meta({ examples: ["it was ended by SIGSEGV", "the session's memory was used up"] }),
});
export type LostContext = z.infer<typeof LostContext>;

export const Context = z
  .object({
    id: ContextId,
    language: ContextLanguage,
    name: z.string().nullable(),
    state: z.enum(["idle", "running", "saved", "lost"]).meta({
      description:
        "saved: its interpreter starts with the next run, and gets the variables back that were saved. " +
        "lost: its interpreter ended and its variables are gone, which the next run tells",
    }),
    createdAt: IsoTime,
    lastRunAt: IsoTime.nullable(),
  })
  .meta({ id: "Context" });
export type Context = z.infer<typeof Context>;

export const ContextList = z
  .object({ contexts: z.array(Context), total: z.int() })
  .meta({ id: "ContextList", description: "Oldest first" });
export type ContextList = z.infer<typeof ContextList>;

export const ContextDeleted = z
  .object({ deleted: z.literal(true), contextId: ContextId })
  .meta({ id: "ContextDeleted" });
export type ContextDeleted = z.infer<typeof ContextDeleted>;

export const ContextInterrupted = z
  .object({ interrupted: z.boolean().meta({ description: "false: nothing ran" }) })
  .meta({ id: "ContextInterrupted" });
export type ContextInterrupted = z.infer<typeof ContextInterrupted>;

/** A value that a run shows: of its last expression, or given to `display`. */
export const Result = z
  .object({
    type: z.enum(["text", "json", "html", "markdown", "image", "table"]),
    main: z.boolean().meta({ description: "The value of the last expression; false: shown by `display`" }),
    text: z.string().meta({ description: "Its plain form, always" }),
    json: z.json().optional(),
    html: z.string().optional(),
    markdown: z.string().optional(),
    mime: z
      .string()
      .optional()
      .meta({ description: "Of `data`", examples: ["image/png"] }),
    data: z.string().optional().meta({ description: "An image: base64, or text where `mime` is image/svg+xml" }),
    columns: z.array(z.string()).optional(),
    rows: z.array(z.array(z.json())).max(CONTEXTS.tableRows).optional(),
  })
  .meta({ id: "Result" });
export type Result = z.infer<typeof Result>;

export const RunError = z
  .object({
    name: z.string().meta({ examples: ["TypeError", "KeyboardInterrupt"] }),
    message: z.string(),
    traceback: z.array(z.string()),
    line: z.int().nullable().meta({ description: "Of the code of this run, from 1" }),
    column: z.int().nullable(),
  })
  .meta({ id: "RunError" });
export type RunError = z.infer<typeof RunError>;

/** A saved variable that could not be brought back. */
export const DroppedValue = z.object({ name: z.string(), reason: z.string() }).meta({ id: "DroppedValue" });
export type DroppedValue = z.infer<typeof DroppedValue>;

/** What a run's record has beyond that of any execution. */
export const ContextRun = z
  .object({
    contextId: ContextId,
    error: RunError.nullable(),
    dropped: z
      .array(DroppedValue)
      .meta({ description: "Only on the first run after the interpreter was started anew" }),
    lost: LostContext.nullable().meta({ description: "The context's variables were lost before this run" }),
  })
  .meta({ id: "ContextRun" });
export type ContextRun = z.infer<typeof ContextRun>;
