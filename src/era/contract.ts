// ERA's HTTP API on the wire, written once. Where its documents contradict each other both spellings are taken, and
// answers carry both.
import * as z from "zod";
import { SESSION_NAME } from "../contract/ids.ts";
import { LANGUAGES, LanguageName } from "../contract/language.ts";
import { SOURCE_BYTES } from "../contract/limits.ts";
import { Environment, Text } from "../contract/primitives.ts";
import { DATA_BYTES, FILES_LISTED, SESSIONS_LISTED, SETUP_ITEMS } from "./limits.ts";

/** An id of ERA is a session's name, so it must not look like a session's own id. */
export const EraId = z
  .string()
  .regex(/^[a-zA-Z0-9_-]{1,64}$/, "must be 1 to 64 of a-z A-Z 0-9 _ -")
  .regex(SESSION_NAME, "must not begin with ses_ or ses-, as the platform's own ids do");

const JsonObject = z.record(z.string(), z.json());

export const EraData = JsonObject.refine(
  (data) => new TextEncoder().encode(JSON.stringify(data)).length <= DATA_BYTES,
  `is larger than ${DATA_BYTES} bytes as JSON`,
);
export type EraData = z.infer<typeof EraData>;

/** An argument of a package manager that is none of its options. */
const Package = Text.min(1)
  .max(500)
  .regex(/^[^-\s\0][^\s\0]*$/, "is not the name of a package");
const Packages = z.array(Package).max(SETUP_ITEMS);
const Manifest = Text.min(1).max(SOURCE_BYTES);
const Command = Text.min(1)
  .max(16_384)
  .refine((command) => !command.includes("\0"), "has a null byte");

export const Setup = z.strictObject({
  pip: z.union([Packages, z.strictObject({ requirements: Manifest })]).optional(),
  npm: z.union([Packages, z.strictObject({ packageJson: Manifest })]).optional(),
  go: z.union([Packages, z.strictObject({ goMod: Manifest })]).optional(),
  commands: z.array(Command).max(SETUP_ITEMS).optional(),
  envs: Environment.optional(),
});
export type Setup = z.infer<typeof Setup>;

/** What `setup` is as it is kept: variables are for the setup itself and stored nowhere. */
export const KeptSetup = Setup.omit({ envs: true });
export const SetupStatus = z.enum(["pending", "running", "completed", "failed"]);
export const SetupResult = z.object({
  success: z.boolean(),
  duration_ms: z.number(),
  pip_packages: z.array(z.string()).optional(),
  npm_packages: z.array(z.string()).optional(),
  go_modules: z.array(z.string()).optional(),
  commands_run: z.array(z.string()).optional(),
  error: z.string().optional(),
  stdout: z.string(),
  stderr: z.string(),
});

/** Seconds. The plan's limit is held against it where it is used. */
const Timeout = z.number().positive();
const Times = { timeout: Timeout.optional(), timeout_ms: Timeout.optional() };
const oneTime = ({ timeout, timeout_ms: ms }: { timeout?: number | undefined; timeout_ms?: number | undefined }) =>
  timeout === undefined || ms === undefined || timeout * 1000 === ms;
const ONE_TIME = { message: "differs from `timeout_ms`; give one of them", path: ["timeout"] };

const Code = Text.min(1).max(SOURCE_BYTES);

export const CreateBody = z.strictObject({
  language: LanguageName,
  session_id: EraId.optional(),
  persistent: z.boolean().default(true),
  metadata: JsonObject.default({}),
  data: EraData.default({}),
  setup: Setup.optional(),
  default_timeout: Timeout.nullish(),
  allowInternetAccess: z.boolean().default(true),
  allowPublicAccess: z.boolean().default(true),
});
export type CreateBody = z.infer<typeof CreateBody>;

export const PatchBody = z.strictObject({
  default_timeout: Timeout.nullish(),
  allowInternetAccess: z.boolean().optional(),
  allowPublicAccess: z.boolean().optional(),
  metadata: JsonObject.optional(),
});

export const RunBody = z
  .strictObject({
    code: Code.optional(),
    env: Environment.default({}),
    update_data: EraData.optional(),
    ...Times,
  })
  .refine(oneTime, ONE_TIME);
export type RunBody = z.infer<typeof RunBody>;

export const ExecuteBody = z
  .strictObject({ language: LanguageName, code: Code, env: Environment.default({}), ...Times })
  .refine(oneTime, ONE_TIME);

export const DuplicateBody = z
  .strictObject({ id: EraId.optional(), new_id: EraId.optional(), data: EraData.optional() })
  .refine(({ id, new_id: newId }) => id === undefined || newId === undefined || id === newId, {
    message: "differs from `new_id`; give one of them",
    path: ["id"],
  });

export const CodeBody = z.strictObject({ code: Code, description: Text.max(1000).default("") });
export const StoredCode = z.object({ code: z.string(), description: z.string(), updated_at: z.string() });
export type StoredCode = z.infer<typeof StoredCode>;

export const Port = z
  .string()
  .regex(/^\d{1,5}$/, "is not a port")
  .transform(Number)
  .pipe(z.int().min(1).max(65_535));

const count = (most: number, usual: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, "is not a whole number")
    .default(String(usual))
    .transform(Number)
    .pipe(z.int().min(0).max(most));
export const SessionPage = z.object({ limit: count(SESSIONS_LISTED, SESSIONS_LISTED), offset: count(999_999_999, 0) });
export const FilePage = z.object({ limit: count(FILES_LISTED, FILES_LISTED), offset: count(999_999_999, 0) });

/** What ERA has of a session and the API has not, in the session's `metadata` under SETTINGS_KEY. */
export const Settings = z.object({
  language: z.enum(LANGUAGES),
  persistent: z.boolean(),
  /** Labels of the client. */
  metadata: JsonObject,
  /** Seconds; null: the session's own. */
  defaultTimeout: z.number().nullable(),
  allowPublicAccess: z.boolean(),
  /** Whether a setup was asked for. */
  setup: z.boolean(),
  /** A run has made it, and nobody has created it by its id yet. */
  implicit: z.boolean(),
});
export type Settings = z.infer<typeof Settings>;
export const SETTINGS_KEY = "era";
/** The tag of every session that ERA's API has made, to list them by. */
export const TAG = "era";
/** Of the copy that a run without persistence is done in. */
export const COPY_TAG = "era-copy";
