// Accounts and their keys on the wire.
import * as z from "zod";
import { parseDuration } from "./duration.ts";
import { ACCOUNT_ID, KEY_ID } from "./ids.ts";
import { API_KEYS, DISPLAY_NAME_CHARACTERS, ENTERPRISE_MOST, TTL_SECONDS } from "./limits.ts";
import { IsoTime, Paging, Text } from "./primitives.ts";
import { SCOPES } from "./scopes.ts";
import { SessionRef } from "./session.ts";
import { Budget, Spent } from "./usage.ts";

export const AccountId = z
  .string()
  .regex(ACCOUNT_ID, "is not an account id")
  .meta({ description: "`acc_` and 20 characters of 0-9a-z", examples: ["acc_4k2m9x7q1w8e3r5t6y0u"] });
export const KeyId = z
  .string()
  .regex(KEY_ID, "is not a key id")
  .meta({ description: "`key_` and 20 characters of 0-9a-z", examples: ["key_4k2m9x7q1w8e3r5t6y0u"] });

const DisplayName = Text.min(1).max(DISPLAY_NAME_CHARACTERS);

export const Scope = z.enum(SCOPES).meta({ description: "`admin`: keys, webhooks and usage of the account" });
export type Scope = z.infer<typeof Scope>;

export const PlanName = z.enum(["free", "paid", "enterprise"]);
export type PlanName = z.infer<typeof PlanName>;

const upTo = (max: number, min = 1): z.ZodInt => z.int().min(min).max(max);

/** The numbers of a plan, as `Plan` in limits.ts. */
export const PlanLimits = z
  .strictObject({
    memoryMb: upTo(ENTERPRISE_MOST.memoryMb, 128),
    cpu: z.number().min(0.0625).max(ENTERPRISE_MOST.cpu),
    diskMb: upTo(ENTERPRISE_MOST.diskMb, 16),
    timeoutSeconds: z
      .strictObject({ default: upTo(ENTERPRISE_MOST.timeoutSeconds), max: upTo(ENTERPRISE_MOST.timeoutSeconds) })
      .refine((timeout) => timeout.default <= timeout.max, "has a default above its max"),
    ttlMaxSeconds: upTo(ENTERPRISE_MOST.ttlMaxSeconds, TTL_SECONDS.min),
    fileBytes: upTo(ENTERPRISE_MOST.fileBytes),
    filesPerRequest: upTo(ENTERPRISE_MOST.filesPerRequest),
    sessions: upTo(ENTERPRISE_MOST.sessions),
    requestsPerMinute: upTo(ENTERPRISE_MOST.requestsPerMinute),
    previewsPerMinute: upTo(ENTERPRISE_MOST.previewsPerMinute),
  })
  .meta({ id: "PlanLimits" });
const OwnLimits = PlanLimits.partial().meta({
  id: "OwnLimits",
  description: "Of an enterprise account; what is absent is as for `paid`",
});
export type OwnLimits = z.infer<typeof OwnLimits>;

export const AccountStatus = z
  .enum(["active", "suspended", "deleting"])
  .meta({ description: "suspended: no key opens it. deleting: it and all it owns is being removed" });
export type AccountStatus = z.infer<typeof AccountStatus>;

export const Account = z
  .object({
    id: AccountId,
    name: DisplayName,
    plan: PlanName,
    limits: PlanLimits.meta({ description: "What its plan comes to" }),
    status: AccountStatus,
    budget: Budget.nullable().meta({ description: "What all of its sessions together may spend; null: no end" }),
    createdAt: IsoTime,
  })
  .meta({ id: "Account" });
export type Account = z.infer<typeof Account>;

export const OwnAccount = Account.omit({ createdAt: true })
  .extend({
    id: z.string().meta({
      description: "As AccountId; `default` of the development account",
      examples: ["acc_4k2m9x7q1w8e3r5t6y0u"],
    }),
    spent: Spent,
    sessions: z
      .int()
      .nonnegative()
      .meta({ description: "How many it has now, of the `limits.sessions` that it may have" }),
  })
  .meta({ id: "OwnAccount" });
export type OwnAccount = z.infer<typeof OwnAccount>;

export const CreateAccount = z
  .strictObject({ name: DisplayName, plan: PlanName.default("free"), limits: OwnLimits.optional() })
  .refine((account) => account.limits === undefined || account.plan === "enterprise", {
    message: "are for enterprise accounts only",
    path: ["limits"],
  })
  .meta({ id: "CreateAccount" });
export type CreateAccount = z.infer<typeof CreateAccount>;

export const UpdateAccount = z
  .strictObject({
    name: DisplayName.optional(),
    plan: PlanName.optional(),
    limits: OwnLimits.optional().meta({ description: "In place of those before; for enterprise accounts only" }),
    status: z.enum(["active", "suspended"]).optional(),
    budget: Budget.nullable().optional().meta({ description: "null: no end" }),
  })
  .meta({ id: "UpdateAccount" });
export type UpdateAccount = z.infer<typeof UpdateAccount>;

export const AccountList = z
  .object({ accounts: z.array(Account), total: z.int() })
  .meta({ id: "AccountList", description: "Newest first" });
export type AccountList = z.infer<typeof AccountList>;

export const Key = z
  .object({
    id: KeyId,
    name: DisplayName.nullable(),
    scopes: z.array(Scope),
    sessionId: z.string().nullable().meta({ description: "The only session that it opens; null: all of them" }),
    createdAt: IsoTime,
    expiresAt: IsoTime.nullable(),
    lastUsedAt: IsoTime.nullable().meta({ description: "To within a minute" }),
  })
  .meta({ id: "Key" });
export type Key = z.infer<typeof Key>;

const KeyText = z.string().meta({ description: "The key itself. It is shown this once and kept as a digest only" });

export const NewKey = Key.extend({ key: KeyText }).meta({ id: "NewKey" });
export type NewKey = z.infer<typeof NewKey>;
export const NewAccount = Account.extend({ key: KeyText, keyId: KeyId }).meta({ id: "NewAccount" });
export type NewAccount = z.infer<typeof NewAccount>;

export const CreateKey = z
  .strictObject({
    name: DisplayName.optional(),
    scopes: z
      .array(Scope)
      .min(1)
      .max(SCOPES.length)
      .refine((scopes) => new Set(scopes).size === scopes.length, "has a scope twice")
      .default([...SCOPES])
      .meta({ description: "Absent: all" }),
    expiresIn: z
      .string()
      .refine((text) => (parseDuration(text) ?? 0) > 0, "is not a duration such as 30s, 5m or 2h")
      .optional()
      .meta({ examples: ["30d"] }),
    expiresAt: IsoTime.optional(),
    sessionId: SessionRef.optional().meta({ description: "The only session that it may open, by id or name" }),
  })
  .refine((key) => key.expiresIn === undefined || key.expiresAt === undefined, {
    message: "give only one of expiresIn and expiresAt",
    path: ["expiresIn"],
  })
  .meta({ id: "CreateKey", description: `An account has at most ${API_KEYS} keys` });
export type CreateKey = z.infer<typeof CreateKey>;

export const KeyList = z.object({ keys: z.array(Key), total: z.int() }).meta({ id: "KeyList" });
export type KeyList = z.infer<typeof KeyList>;

export const AuditAction = z.enum([
  "account.created",
  "account.changed",
  "account.deleted",
  "account.erased",
  "key.created",
  "key.rotated",
  "key.revoked",
  "session.deleted",
  "access.refused",
]);
export type AuditAction = z.infer<typeof AuditAction>;

export const AuditEntry = z
  .object({
    at: IsoTime,
    action: AuditAction,
    accountId: z.string().nullable().meta({ description: "null: about no account" }),
    actor: z.string().nullable().meta({ description: "`operator`, or the id of a key; null: nobody that is known" }),
    details: z.record(z.string(), z.unknown()),
  })
  .meta({ id: "AuditEntry" });
export type AuditEntry = z.infer<typeof AuditEntry>;

export const AuditQuery = Paging.extend({ accountId: z.string().max(64).optional() });
export const AuditPage = z
  .object({ entries: z.array(AuditEntry), total: z.int() })
  .meta({ id: "AuditPage", description: "Newest first" });
export type AuditPage = z.infer<typeof AuditPage>;
