// Examples of sessions, executions, terminals, files, snapshots and previews.
import type { ROUTES } from "../routes.ts";
import type { Examples } from "./example.ts";
import { AT, EXECUTED, FILE, ID, LATER, RECORD, SECRET, SESSION, SNAPSHOT, TOMORROW } from "./values.ts";

const sessionId = ID.session;
const service = { name: "web", command: "bun run server.ts", port: 8080, env: {} };
const token = { tokenId: ID.token, port: 8080, label: "for Ada", createdAt: AT, expiresAt: LATER };

export const SESSION_EXAMPLES = {
  createSession: {
    bodies: {
      "With defaults": {},
      "A named one": { name: "my-agent", ttl: 86_400, metadata: { user: "u_123" } },
      "With tags, and no container until something needs one": {
        tags: ["data-analysis", "q1-2025"],
        description: "Customer behaviour in the first quarter",
        container: "on-demand",
      },
      "For code that nobody trusts": { internet: false, preview: "private" },
      "With a server that is always there": { name: "my-app", services: [service], preview: "private" },
    },
    answer: SESSION,
  },
  listSessions: { answer: { sessions: [SESSION], total: 1 } },
  getSession: {
    answer: {
      ...SESSION,
      lastActive: LATER,
      filesCount: 12,
      diskUsed: 48_213,
      activeProcesses: 1,
      memoryUsed: 52_428_800,
      idleAt: LATER,
      deepSleepAt: LATER,
      spent: { activeSeconds: 81.5, executions: 4 },
      savedAt: AT,
      damagedSnapshots: [],
      lastLoss: null,
      lastRestore: null,
    },
  },
  updateSession: {
    bodies: {
      "Live for another day": { ttl: 86_400 },
      "Other services": { services: [service] },
      "Other tags": { tags: ["data-analysis", "done"], description: "Reported in April" },
      "A budget": { budget: { activeSeconds: 3600, executions: 1000 } },
    },
    answer: { ...SESSION, services: [service] },
  },
  sleepSession: { answer: { ...SESSION, state: "deep-sleep" } },
  wakeSession: { answer: SESSION },
  deleteSession: { answer: { deleted: true, sessionId } },

  execute: {
    bodies: {
      Code: { sessionId, code: "await Bun.write('answer.txt', '42');\nconsole.log(6 * 7)" },
      "A command": { sessionId, command: "bun add hono && bun test", timeout: 120 },
      "With files, once, without a session": {
        code: "import { add } from './add.ts';\nconsole.log(add(40, 2))",
        files: [{ path: "add.ts", content: "export const add = (a: number, b: number) => a + b;" }],
      },
      "Once, without the network": { code: "console.log(await Bun.file('/etc/os-release').text())", internet: false },
      "A server": { sessionId, code: "Bun.serve({ port: 8080, fetch: () => new Response('hi') })" },
    },
    answer: EXECUTED,
  },
  kill: {
    bodies: { "One process": { sessionId, pid: 17 }, "All of them": { sessionId } },
    answer: { killed: 1, pids: [17] },
  },
  listProcesses: {
    answer: {
      processes: [
        {
          pid: 23,
          parentPid: 1,
          command: "bun run server.ts",
          executionId: ID.execution,
          startedAt: AT,
          memory: 52_428_800,
          cpu: 120.5,
          ports: [8080],
        },
      ],
      services: [
        {
          name: "web",
          command: "bun run server.ts",
          port: 8080,
          status: "running",
          pid: 23,
          startedAt: AT,
          restarts: 0,
          lastExit: null,
          log: ["listening on 8080"],
        },
      ],
      ended: null,
    },
  },
  listExecutions: { answer: { executions: [RECORD], total: 1 } },
  getExecution: { answer: RECORD },
  getOutput: {
    answer: {
      chunks: [{ seq: 1, stream: "stdout", data: "42\n", encoding: "utf-8" }],
      lastSeq: 1,
      done: true,
      outcome: "exited",
    },
  },

  openTerminal: {},
  listTerminals: {
    answer: {
      terminals: [
        {
          id: ID.terminal,
          command: null,
          pid: 31,
          cols: 120,
          rows: 40,
          createdAt: AT,
          viewers: 1,
          sequence: 5120,
          oldest: 0,
          exit: null,
        },
      ],
      total: 1,
    },
  },
  closeTerminal: { answer: { closed: true, terminalId: ID.terminal } },

  writeFiles: {
    bodies: {
      "One file": { sessionId, path: "src/index.ts", content: "console.log('hello')\n" },
      Many: {
        sessionId,
        files: [
          { path: "src/index.ts", content: "console.log('hello')\n" },
          { path: "dot.bin", content: "AAEC", encoding: "base64" },
        ],
      },
    },
    answer: { path: "src/index.ts", size: 21 },
  },
  readFile: {
    answer: { path: "src/index.ts", content: "console.log('hello')\n", encoding: "utf-8", size: 21, modified: AT },
  },
  listFiles: { answer: { files: [{ ...FILE, path: "src", size: 0, type: "directory" }, FILE], total: 2 } },
  deleteFile: { answer: { deleted: true, path: "src/index.ts" } },
  moveFile: {
    bodies: { "A file": { sessionId, from: "index.ts", to: "src/index.ts" } },
    answer: FILE,
  },
  makeDirectory: {
    bodies: { "A directory": { sessionId, path: "src/lib" } },
    answer: { path: "src/lib", size: 0, modified: AT, type: "directory" },
  },
  downloadFile: {},
  uploadFile: { answer: FILE },
  removeFile: { answer: { deleted: true, path: "src/index.ts" } },
  searchFiles: {
    answer: { matches: [{ path: "src/index.ts", line: 1, text: "console.log('hello')" }], truncated: false },
  },
  downloadArchive: {},
  uploadArchive: { answer: { files: 12 } },

  createSnapshot: {
    bodies: { "One that stays": { label: "before the migration" }, "One of the newest five": {} },
    answer: SNAPSHOT,
  },
  listSnapshots: { answer: { snapshots: [SNAPSHOT], total: 1 } },
  getSnapshot: { answer: SNAPSHOT },
  deleteSnapshot: { answer: { deleted: true, snapshotId: ID.snapshot } },
  restoreSnapshot: {
    bodies: { Everything: {}, "One directory": { path: "src" } },
    answer: { snapshotId: ID.snapshot, path: null, previousSnapshotId: ID.earlier },
  },
  diffSnapshot: {
    answer: {
      from: ID.earlier,
      to: ID.snapshot,
      changes: [
        { path: "answer.txt", change: "added" },
        { path: "src/index.ts", change: "changed" },
      ],
      total: 2,
    },
  },
  forkSession: {
    bodies: { "As it is now": { name: "experiment" }, "As it was": { snapshotId: ID.snapshot } },
    answer: {
      ...SESSION,
      id: ID.fork,
      sessionId: ID.fork,
      name: "experiment",
      state: "deep-sleep",
      previewUrl: `https://${ID.fork.replace("_", "-")}.buntime.example.com`,
    },
  },

  createPreviewToken: {
    bodies: { "For a day": { port: 8080, expiresIn: "1d", label: "for Ada" } },
    answer: {
      ...token,
      expiresAt: TOMORROW,
      token: `btp_${ID.token.slice("pvt_".length)}${SECRET}`,
      url: `${SESSION.previewUrl}/?token=btp_${ID.token.slice("pvt_".length)}${SECRET}`,
    },
  },
  listPreviewTokens: { answer: { tokens: [token], total: 1 } },
  listPreviewRequests: {
    answer: {
      requests: [
        {
          seq: 1_769_860_800_001,
          at: AT,
          port: 8080,
          method: "GET",
          path: "/items?page=2",
          status: 200,
          durationMs: 12,
          bytes: 512,
          webSocket: false,
        },
      ],
      lastSeq: 1_769_860_800_001,
    },
  },
  revokePreviewToken: { answer: { revoked: true, tokenId: ID.token } },
} satisfies Partial<Examples<typeof ROUTES>>;
