// What the original's document on sessions shows, written as it is there. The names that an example takes as given are
// set before it: `client`, `session`, and of a web application `req` and `user`.
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { SessionHandle } from "../../../src/sdk/index.ts";
import { ownSession, sdkOfRun } from "../../support/sdk.ts";

const client = sdkOfRun();
let session: SessionHandle;
beforeEach(async () => {
  session = await ownSession(client);
});

const deleteAfterwards = (...sessions: readonly { id: string }[]): void => {
  onTestFinished(async () => {
    await Promise.all(sessions.map(({ id }) => client.sessions.delete({ sessionId: id }).catch(() => null)));
  });
};

describe("a session", () => {
  test("is created and used several times", async () => {
    // Create a session
    const session = await client.sessions.create();
    console.log(session.id); // "ses_abc123def456"

    // Use it multiple times
    await client.execute({ sessionId: session.id, code: "1" });
    await client.execute({ sessionId: session.id, code: "2" });
    deleteAfterwards(session);
    expect(session.id).toMatch(/^ses_[0-9a-z]{18,20}$/);
  });

  test("has a time to live and metadata", async () => {
    const session = await client.sessions.create({
      ttl: 3600, // 1 hour in seconds
      metadata: {
        userId: "user_123",
        purpose: "data-analysis",
      },
    });
    deleteAfterwards(session);
    const life = Date.parse(session.expiresAt) - Date.parse(session.createdAt);
    expect(life).toBe(3_600_000);
    expect(session.metadata).toEqual({ userId: "user_123", purpose: "data-analysis" });
  });

  test("has metadata of any kind", async () => {
    const session = await client.sessions.create({
      metadata: {
        userId: "user_123",
        conversationId: "conv_456",
        environment: "production",
        createdBy: "ai-agent",
      },
    });
    deleteAfterwards(session);
    expect((await client.sessions.info({ sessionId: session.id })).metadata).toEqual(session.metadata);
  });

  test("runs in /workspace, whose files persist", async () => {
    const first = await client.execute({
      sessionId: session.id,
      code: `
    console.log(process.cwd()); // "/workspace"
    
    // Write a file
    await Bun.write('data.txt', 'Hello World');
    
    // File persists for next execution
  `,
    });
    expect(first.stdout).toBe("/workspace\n");

    // Later...
    const later = await client.execute({
      sessionId: session.id,
      code: `
    // File still exists
    const data = await Bun.file('data.txt').text();
    console.log(data); // "Hello World"
  `,
    });
    expect(later.stdout).toBe("Hello World\n");
  });

  test("keeps a server running, and ends its process when asked", async () => {
    // Start a web server
    const server = await client.execute({
      sessionId: session.id,
      code: `
    Bun.serve({
      port: 8080,
      fetch() {
        return new Response('Server running!');
      }
    });
  `,
    });
    expect(server).toMatchObject({ background: true, pid: expect.any(Number) });

    const killed = await client.execution.kill({
      sessionId: session.id,
      pid: server.pid ?? 0, // Optional: specific process ID
    });
    expect(killed.pids).toContain(server.pid);
    // Without one: all of them
    expect(await client.execution.kill({ sessionId: session.id })).toEqual({ killed: 0, pids: [] });
  });
});

describe("strategies", () => {
  test("one session per conversation", async () => {
    class ConversationManager {
      private sessions = new Map<string, string>();

      async getSession(conversationId: string) {
        if (!this.sessions.has(conversationId)) {
          const session = await client.sessions.create({
            ttl: 3600,
            metadata: { conversationId },
          });
          this.sessions.set(conversationId, session.id);
        }
        return this.sessions.get(conversationId);
      }

      async endConversation(conversationId: string) {
        const sessionId = this.sessions.get(conversationId);
        if (sessionId) {
          await client.sessions.delete({ sessionId });
          this.sessions.delete(conversationId);
        }
      }
    }

    const manager = new ConversationManager();
    const sessionId = (await manager.getSession("conv_1")) ?? "";
    expect(await manager.getSession("conv_1")).toBe(sessionId);
    await manager.endConversation("conv_1");
    await expect(client.sessions.info({ sessionId })).rejects.toMatchObject({ code: "session_not_found" });
  });

  test("one session per task", async () => {
    async function runTask(taskCode: string) {
      const session = await client.sessions.create({ ttl: 600 });

      try {
        const result = await client.execute({
          sessionId: session.id,
          code: taskCode,
        });
        return result;
      } finally {
        await client.sessions.delete({ sessionId: session.id });
      }
    }

    expect(await runTask("console.log('task done')")).toMatchObject({ stdout: "task done\n" });
  });

  test("a session pool", async () => {
    class SessionPool {
      private pool: string[] = [];

      async getSession() {
        if (this.pool.length === 0) {
          const session = await client.sessions.create();
          return session.id;
        }
        // oxlint-disable-next-line typescript/no-non-null-assertion -- as it is in the document
        return this.pool.pop()!;
      }

      releaseSession(sessionId: string) {
        this.pool.push(sessionId);
      }

      async cleanup() {
        await Promise.all(this.pool.map((id) => client.sessions.delete({ sessionId: id })));
        this.pool = [];
      }
    }

    const pool = new SessionPool();
    const sessionId = await pool.getSession();
    pool.releaseSession(sessionId);
    expect(await pool.getSession()).toBe(sessionId);
    pool.releaseSession(sessionId);
    await pool.cleanup();
    await expect(client.sessions.info({ sessionId })).rejects.toMatchObject({ status: 404 });
  });
});

describe("best practices", () => {
  test("a time to live for each use", async () => {
    // Short-lived task
    const task = await client.sessions.create({ ttl: 600 });

    // Conversation
    const chat = await client.sessions.create({ ttl: 86400 });
    deleteAfterwards(task, chat);
    expect(Date.parse(task.expiresAt)).toBeLessThan(Date.parse(chat.expiresAt));
  });

  test("metadata for whoever debugs", async () => {
    const req = { user: { id: "user_1" } };
    const session = await client.sessions.create({
      metadata: {
        userId: req.user.id,
        source: "web-app",
        version: "1.0.0",
      },
    });
    try {
      // Use session
      expect(session.metadata["userId"]).toBe("user_1");
    } finally {
      await client.sessions.delete({ sessionId: session.id });
    }
  });

  test("one session per user", async () => {
    const user = { id: crypto.randomUUID() };
    const userSession = await client.sessions.create({
      metadata: { userId: user.id },
    });
    deleteAfterwards(userSession);
    const { sessions } = await client.sessions.list({ metadata: { userId: user.id } });
    expect(sessions.map(({ id }) => id)).toEqual([userSession.id]);
  });
});

describe("monitoring", () => {
  test("tells how a session is doing", async () => {
    await client.execute({ sessionId: session.id, code: "await Bun.write('a.txt', 'a')" });
    const info = await client.sessions.info({ sessionId: session.id });

    console.log(info.createdAt); // When session was created
    console.log(info.lastActive); // Last activity timestamp
    console.log(info.expiresAt); // When session will expire
    console.log(info.filesCount); // Number of files in workspace
    console.log(info.activeProcesses); // Running processes
    console.log(info.state); // "active" | "idle" | "deep-sleep"
    expect(info).toMatchObject({ filesCount: 1, activeProcesses: 0, state: "active" });
    const times = [info.createdAt, info.lastActive, info.expiresAt].map((time) => Date.parse(time));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test("lists sessions", async () => {
    const sessions = await client.sessions.list({
      limit: 50,
      offset: 0,
    });
    expect(sessions.sessions.length).toBeLessThanOrEqual(50);
    expect(sessions.total).toBeGreaterThan(0);
  });
});
