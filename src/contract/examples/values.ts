// What the examples of the API reference are about: one account, one session, and what is in it.
import type { Account, Key } from "../account.ts";
import type { ExecuteAnswer, ExecutionRecord } from "../execute.ts";
import type { FileEntry } from "../files.ts";
import { PLANS } from "../limits.ts";
import type { Session } from "../session.ts";
import type { Snapshot } from "../snapshot.ts";

const END = "4k2m9x7q1w8e3r5t6y0u";
export const ID = {
  session: `ses_${END}`,
  fork: "ses_7h3n5v9c2b6m1q8w4e0r",
  execution: `exe_${END}`,
  snapshot: `snp_${END}`,
  earlier: "snp_1a5s9d3f7g2h6j0k4l8z",
  terminal: `trm_${END}`,
  context: `ctx_${END}`,
  token: `pvt_${END}`,
  account: `acc_${END}`,
  key: `key_${END}`,
  event: `evt_${END}`,
  webhook: `whk_${END}`,
  delivery: `dlv_${END}`,
  request: `req_${END}`,
} as const;

export const AT = "2026-01-31T12:00:00.000Z";
export const LATER = "2026-01-31T12:05:00.000Z";
export const TOMORROW = "2026-02-01T12:00:00.000Z";
/** Of a key, a token or a secret: nothing that could be one. */
export const SECRET = "0".repeat(32);

export const SESSION: Session = {
  id: ID.session,
  sessionId: ID.session,
  name: "my-agent",
  state: "active",
  createdAt: AT,
  expiresAt: TOMORROW,
  previewUrl: `https://ses-${END}.buntime.example.com`,
  preview: "public",
  image: "bun",
  internet: true,
  resourceLimits: { memory: 1024, cpu: 0.25, timeout: 30, disk: 1024 },
  metadata: { user: "u_123" },
  tags: ["data-analysis"],
  description: "Customer behaviour in the first quarter",
  idleAfter: "5m",
  deepSleepAfter: "30m",
  services: [],
  budget: null,
};

export const EXECUTED: ExecuteAnswer = {
  executionId: ID.execution,
  stdout: "42\n",
  stderr: "",
  encoding: "utf-8",
  exitCode: 0,
  signal: null,
  executionTime: 18.4,
  memoryUsed: 36_233_216,
  cpuTime: 7.1,
  timedOut: false,
  truncated: false,
  background: false,
  pid: 17,
  filesWritten: ["answer.txt"],
};

export const RECORD: ExecutionRecord = {
  executionId: ID.execution,
  outcome: "exited",
  reason: null,
  code: "console.log(6 * 7)",
  command: null,
  workingDir: "/workspace",
  background: false,
  pid: 17,
  startedAt: AT,
  endedAt: AT,
  executionTime: 18.4,
  exitCode: 0,
  signal: null,
  memoryUsed: 36_233_216,
  cpuTime: 7.1,
  outputBytes: 3,
  truncated: false,
  filesWritten: ["answer.txt"],
  context: null,
};

export const FILE: FileEntry = { path: "src/index.ts", size: 21, modified: AT, type: "file" };

export const SNAPSHOT: Snapshot = {
  snapshotId: ID.snapshot,
  label: "before the migration",
  reason: "requested",
  createdAt: AT,
  files: 12,
  sizeBytes: 48_213,
  storedBytes: 9120,
  treeHash: "8d9cee643266c040a9cb58acaad01ff004cd489ec4278950497a5a4f1ae7f9ba",
  verifiedAt: null,
  damaged: null,
  skipped: [],
  skippedCount: 0,
};

export const ACCOUNT: Account = {
  id: ID.account,
  name: "Example Ltd",
  plan: "paid",
  limits: { ...PLANS.paid },
  status: "active",
  budget: null,
  createdAt: AT,
};

export const KEY: Key = {
  id: ID.key,
  name: "agent",
  scopes: ["sessions:read", "sessions:write", "execute", "files:read", "files:write"],
  sessionId: null,
  createdAt: AT,
  expiresAt: null,
  lastUsedAt: LATER,
};
