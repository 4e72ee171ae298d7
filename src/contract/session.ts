// Sessions on the wire.
import * as z from "zod";
import { SESSION_ID, SESSION_NAME } from "./ids.ts";
import { parseDuration } from "./duration.ts";
import { IMAGES } from "./language.ts";
import { DESCRIPTION_CHARACTERS, ENTERPRISE_MOST, METADATA_BYTES, SERVICES, TAGS, TTL_SECONDS } from "./limits.ts";
import { Preview } from "./preview.ts";
import { Environment, IsoTime, Text } from "./primitives.ts";
import { Budget, Spent } from "./usage.ts";

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

const Image = z.enum(IMAGES).meta({
  description: "`bun` has JavaScript and TypeScript; `polyglot` Python, Node, Deno and Go as well",
});

const Metadata = z
  .record(z.string(), z.json())
  .refine(
    (metadata) => new TextEncoder().encode(JSON.stringify(metadata)).length <= METADATA_BYTES,
    `is larger than ${METADATA_BYTES} bytes as JSON`,
  )
  .meta({ description: "Anything of yours, at most 16 KB as JSON" });

/** No comma, because a list is asked for several of them that way; nothing that cannot be seen or typed. */
export const Tag = Text.min(1)
  .max(TAGS.characters)
  .refine((tag) => !/[,\p{Cc}]|^\s|\s$/u.test(tag), "has a comma, a control character, or space around it");
const Tags = z
  .array(Tag)
  .max(TAGS.most)
  .refine((tags) => new Set(tags).size === tags.length, "has a tag twice")
  .meta({ description: "Words to find it by: `GET /sessions?tag=`", examples: [["data-analysis", "q1-2025"]] });

const Description = Text.max(DESCRIPTION_CHARACTERS).meta({ description: "What it is for, in your words" });

export const ResourceLimits = z
  .object({
    memory: z.int().min(128).meta({ description: "MB" }),
    cpu: z.number().min(0.0625).meta({ description: "vCPUs" }),
    timeout: z.int().min(1).max(300).meta({ description: "Seconds that an execution gets by default" }),
    disk: z.int().min(16).meta({ description: "MB of /workspace" }),
  })
  .meta({ id: "ResourceLimits" });
export type ResourceLimits = z.infer<typeof ResourceLimits>;

const Internet = z.boolean().meta({
  description:
    "Whether its code may reach the network. `false`: nothing but itself, by no protocol; no package is installed",
});

/** A time that an operator or a client sets: `500ms`, `20s`, `5m`, `12h`, `7d`. */
const Duration = z
  .string()
  .refine((text) => parseDuration(text) !== null, "is not a duration such as 30s, 5m or 2h")
  .meta({ examples: ["5m"] });
const IdleAfter = Duration.meta({ description: "Without activity for so long, it is idle: its processes are frozen" });
const DeepSleepAfter = Duration.meta({
  description: "Without activity for so long, it sleeps: its files are saved, its container is released",
});

export const Service = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, "must be 1 to 64 of a-z 0-9 _ -"),
    command: Text.min(1)
      .max(16_384)
      .refine((command) => !command.includes("\0"), "has a null byte")
      .meta({ description: "A shell command that stays in the foreground" }),
    port: z.int().min(1).max(65_535).optional().meta({ description: "It is ready once it listens there" }),
    env: Environment.default({}),
  })
  .meta({ id: "Service", description: "Started on every wake, in order, and again when it ends" });
export type Service = z.infer<typeof Service>;

const Services = z
  .array(Service)
  .max(SERVICES.most)
  .refine((services) => new Set(services.map(({ name }) => name)).size === services.length, "has a name twice");

const Ttl = z
  .int()
  .min(TTL_SECONDS.min)
  .max(ENTERPRISE_MOST.ttlMaxSeconds)
  .meta({ description: "Seconds until the session is gone; the plan says how many at the most" });

export const CreateSession = z
  .strictObject({
    ttl: Ttl.default(TTL_SECONDS.default),
    metadata: Metadata.default({}),
    name: SessionName.optional(),
    tags: Tags.default([]),
    description: Description.default(""),
    container: z.enum(["eager", "on-demand"]).default("eager").meta({
      description:
        "`on-demand`: it begins asleep with an empty workspace, and has no container until something needs one",
    }),
    image: Image.default("bun"),
    internet: Internet.default(true),
    resourceLimits: ResourceLimits.partial().strict().default({}),
    idleAfter: IdleAfter.optional(),
    deepSleepAfter: DeepSleepAfter.optional(),
    services: Services.default([]),
    preview: Preview.default("public"),
    budget: Budget.optional(),
  })
  .meta({ id: "CreateSession" });
export type CreateSession = z.infer<typeof CreateSession>;

export const UpdateSession = z
  .strictObject({
    ttl: Ttl.optional(),
    metadata: Metadata.optional(),
    tags: Tags.optional().meta({ description: "In place of those before" }),
    description: Description.optional(),
    name: SessionName.nullable().optional().meta({ description: "`null` takes the name away" }),
    idleAfter: IdleAfter.optional(),
    deepSleepAfter: DeepSleepAfter.optional(),
    services: Services.optional().meta({
      description: "In place of those before; those that are new or differ are started anew",
    }),
    preview: Preview.optional(),
    internet: Internet.optional().meta({
      description:
        "Whether its code may reach the network. A container that was started otherwise is put into deep sleep first, as by `POST /sessions/{id}/sleep`: once this has answered, no code runs as before",
    }),
    budget: Budget.nullable().optional().meta({ description: "In place of the one before; `null` takes it away" }),
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
    preview: Preview,
    image: Image,
    internet: Internet,
    resourceLimits: ResourceLimits,
    metadata: Metadata,
    tags: Tags,
    description: Description,
    idleAfter: IdleAfter,
    deepSleepAfter: DeepSleepAfter,
    services: z.array(Service),
    budget: Budget.nullable(),
  })
  .meta({ id: "Session" });
export type Session = z.infer<typeof Session>;

export const SessionInfo = Session.extend({
  lastActive: IsoTime,
  filesCount: z.int().nonnegative().nullable().meta({ description: "Files in /workspace; null while not known" }),
  diskUsed: z.int().nonnegative().nullable().meta({ description: "Bytes in /workspace; null while not known" }),
  activeProcesses: z.int().nonnegative(),
  memoryUsed: z.int().nonnegative().nullable().meta({
    description: "Resident bytes of its processes now, what they share counted for each; null while not known",
  }),
  idleAt: IsoTime.nullable().meta({ description: "When it becomes idle if nothing happens; null unless active" }),
  deepSleepAt: IsoTime.nullable().meta({ description: "When it falls asleep if nothing happens; null while asleep" }),
  spent: Spent,
  savedAt: IsoTime.nullable().meta({ description: "When its files were last saved" }),
  damagedSnapshots: z.array(z.string()).meta({ description: "Snapshots that are damaged; none of them is restored" }),
  lastLoss: z
    .object({
      at: IsoTime,
      reason: z.string(),
      savedAt: IsoTime.nullable().meta({ description: "The files are as they were then; null: nothing was saved" }),
    })
    .nullable()
    .meta({ description: "The last time that its container ended unasked" }),
  lastRestore: z
    .object({
      at: IsoTime,
      snapshotId: z.string(),
      passedOver: z.array(z.string()).meta({ description: "Newer snapshots that turned out to be damaged" }),
    })
    .nullable()
    .meta({ description: "What its files were last restored from" }),
}).meta({ id: "SessionInfo" });
export type SessionInfo = z.infer<typeof SessionInfo>;

export const SessionList = z.object({ sessions: z.array(Session), total: z.int() }).meta({ id: "SessionList" });
export type SessionList = z.infer<typeof SessionList>;

export const SessionDeleted = z.object({ deleted: z.literal(true), sessionId: SessionId });
