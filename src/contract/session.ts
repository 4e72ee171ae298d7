// Sessions on the wire.
import * as z from "zod";
import { SESSION_ID, SESSION_NAME } from "./ids.ts";
import { METADATA_BYTES, PLANS, TTL_SECONDS } from "./limits.ts";
import { IsoTime } from "./primitives.ts";

const SessionId = z
  .string()
  .regex(SESSION_ID, "is not a session id")
  .meta({
    description: "`ses_` and 20 characters of 0-9a-z",
    examples: ["ses_4k2m9x7q1w8e3r5t6y0u"],
  });

/** What stands for a session in a path: its id or its name. */
export const SessionRef = z
  .string()
  .refine((ref) => SESSION_ID.test(ref) || SESSION_NAME.test(ref), "is neither a session id nor a session name")
  .meta({ description: "A session's id or name", examples: ["ses_4k2m9x7q1w8e3r5t6y0u", "my-agent"] });

const SessionName = z
  .string()
  .regex(SESSION_NAME, "must be 1 to 64 of a-z A-Z 0-9 _ -, and not begin with ses_")
  .meta({ description: "Unique per account" });

export const SessionState = z
  .enum(["active", "idle", "deep-sleep"])
  .meta({ description: "What the container costs: running, frozen, or released" });

const Metadata = z
  .record(z.string(), z.json())
  .refine(
    (metadata) => new TextEncoder().encode(JSON.stringify(metadata)).length <= METADATA_BYTES,
    `is larger than ${METADATA_BYTES} bytes as JSON`,
  )
  .meta({ description: "Anything of yours, at most 16 KB as JSON" });

export const ResourceLimits = z
  .object({
    memory: z.int().min(128).meta({ description: "MB" }),
    cpu: z.number().min(0.0625).meta({ description: "vCPUs" }),
    timeout: z.int().min(1).max(300).meta({ description: "Seconds that an execution gets by default" }),
    disk: z.int().min(16).meta({ description: "MB of /workspace" }),
  })
  .meta({ id: "ResourceLimits" });
export type ResourceLimits = z.infer<typeof ResourceLimits>;

const Ttl = z
  .int()
  .min(TTL_SECONDS.min)
  .max(PLANS.paid.ttlMaxSeconds)
  .meta({ description: "Seconds until the session is gone" });

export const CreateSession = z
  .strictObject({
    ttl: Ttl.default(TTL_SECONDS.default),
    metadata: Metadata.default({}),
    name: SessionName.optional(),
    image: z.enum(["bun"]).default("bun"),
    resourceLimits: ResourceLimits.omit({ disk: true }).partial().strict().default({}),
  })
  .meta({ id: "CreateSession" });
export type CreateSession = z.infer<typeof CreateSession>;

export const UpdateSession = z
  .strictObject({
    ttl: Ttl.optional(),
    metadata: Metadata.optional(),
    name: SessionName.nullable().optional().meta({ description: "`null` takes the name away" }),
  })
  .meta({ id: "UpdateSession", description: "`ttl` counts from now" });
export type UpdateSession = z.infer<typeof UpdateSession>;

export const Session = z
  .object({
    id: SessionId,
    sessionId: SessionId.meta({ description: "The same as `id`" }),
    name: SessionName.nullable(),
    state: SessionState,
    createdAt: IsoTime,
    expiresAt: IsoTime,
    previewUrl: z.url(),
    image: z.string(),
    resourceLimits: ResourceLimits,
    metadata: Metadata,
  })
  .meta({ id: "Session" });
export type Session = z.infer<typeof Session>;

export const SessionInfo = Session.extend({
  lastActive: IsoTime,
  filesCount: z.int().nonnegative().nullable().meta({ description: "Files in /workspace; null while not known" }),
  diskUsed: z.int().nonnegative().nullable().meta({ description: "Bytes in /workspace; null while not known" }),
  activeProcesses: z.int().nonnegative(),
}).meta({ id: "SessionInfo" });
export type SessionInfo = z.infer<typeof SessionInfo>;

export const SessionList = z.object({ sessions: z.array(Session), total: z.int() }).meta({ id: "SessionList" });
export type SessionList = z.infer<typeof SessionList>;

export const SessionDeleted = z.object({ deleted: z.literal(true), sessionId: SessionId });
