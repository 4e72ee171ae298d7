// Examples of keys, usage, events, webhooks and the operator's API.
import type { ROUTES } from "../routes.ts";
import type { Examples } from "./example.ts";
import { ACCOUNT, AT, ID, KEY, LATER, SECRET, TOMORROW } from "./values.ts";

const key = `btk_${ID.account.slice("acc_".length)}${SECRET}`;
const webhook = {
  id: ID.webhook,
  url: "https://example.com/hooks/buntime",
  types: null,
  enabled: true,
  disabledReason: null,
  createdAt: AT,
  failingSince: null,
};
const delivery = {
  id: ID.delivery,
  webhookId: ID.webhook,
  eventId: ID.event,
  type: "execution.completed",
  status: "delivered",
  attempts: 1,
  responseStatus: 200,
  durationMs: 84,
  error: null,
  createdAt: AT,
  lastAttemptAt: AT,
  nextAttemptAt: null,
} as const;
const used = {
  activeSeconds: 5400,
  idleSeconds: 1800,
  asleepSeconds: 79_200,
  vcpuSeconds: 1350,
  gibSeconds: 7200,
  storedGibSeconds: 12.5,
  egressBytes: 1_048_576,
  executions: 240,
};

export const ACCOUNT_EXAMPLES = {
  createKey: {
    bodies: {
      "With all scopes": { name: "agent" },
      "For one session, for a month": {
        name: "one agent",
        scopes: ["execute", "files:read", "files:write"],
        sessionId: ID.session,
        expiresIn: "30d",
      },
    },
    answer: { ...KEY, lastUsedAt: null, key },
  },
  listKeys: { answer: { keys: [KEY], total: 1 } },
  revokeKey: { answer: { deleted: true, id: ID.key } },
  rotateKey: { answer: { ...KEY, key } },

  getOwnAccount: {
    answer: {
      id: ID.account,
      name: ACCOUNT.name,
      plan: ACCOUNT.plan,
      limits: ACCOUNT.limits,
      status: ACCOUNT.status,
      budget: { activeSeconds: 360_000 },
      spent: { activeSeconds: 5400, executions: 240 },
      sessions: 12,
    },
  },

  getUsage: {
    answer: {
      from: "2026-01-31",
      to: "2026-01-31",
      by: "day",
      totals: used,
      rows: [{ day: "2026-01-31", ...used }],
      total: 1,
      budget: { activeSeconds: 360_000 },
      spent: { activeSeconds: 5400, executions: 240 },
    },
  },

  followEvents: {},
  createWebhook: {
    bodies: {
      "All events": { url: webhook.url },
      Some: { url: webhook.url, types: ["session.lost", "budget.exceeded"] },
    },
    answer: { ...webhook, secret: `whsec_${SECRET}` },
  },
  listWebhooks: { answer: { webhooks: [webhook], total: 1 } },
  deleteWebhook: { answer: { deleted: true, id: ID.webhook } },
  listDeliveries: { answer: { deliveries: [delivery], total: 1 } },
  replayDelivery: {
    answer: {
      ...delivery,
      status: "pending",
      attempts: 0,
      responseStatus: null,
      durationMs: null,
      nextAttemptAt: LATER,
    },
  },

  createAccount: {
    bodies: {
      "On a plan": { name: "Example Ltd", plan: "paid" },
      "With limits of its own": { name: "Example Ltd", plan: "enterprise", limits: { sessions: 500 } },
    },
    answer: { ...ACCOUNT, key, keyId: ID.key },
  },
  listAccounts: { answer: { accounts: [ACCOUNT], total: 1 } },
  getAccount: { answer: ACCOUNT },
  updateAccount: {
    bodies: { "Keep it out": { status: "suspended" }, "Another plan": { plan: "paid" } },
    answer: { ...ACCOUNT, status: "suspended" },
  },
  deleteAccount: { answer: { ...ACCOUNT, status: "deleting" } },
  createAccountKey: {
    bodies: { "With all scopes": { name: "agent", expiresAt: TOMORROW } },
    answer: { ...KEY, expiresAt: TOMORROW, lastUsedAt: null, key },
  },
  listAudit: {
    answer: {
      entries: [
        { at: AT, action: "key.created", accountId: ID.account, actor: "operator", details: { keyId: ID.key } },
      ],
      total: 1,
    },
  },
} satisfies Partial<Examples<typeof ROUTES>>;
