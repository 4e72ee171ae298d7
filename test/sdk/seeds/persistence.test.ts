// What the original's document on persistence shows, written as it is there. The names that an example takes as given are
// set before it: `client`, `session`, and `Bun` of the machine that it runs on.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { SOON } from "../../support/life.ts";
import { ownSession, sdkOfRun } from "../../support/sdk.ts";
import { until } from "../../support/until.ts";
import type { SessionHandle } from "../../../src/sdk/index.ts";

const client = sdkOfRun();
let session: SessionHandle;
beforeEach(async () => {
  session = await ownSession(client);
});

describe("what persists", () => {
  test("files in /workspace", async () => {
    // First execution
    await client.execute({
      sessionId: session.id,
      code: `
    await Bun.write('data.json', JSON.stringify({ count: 0 }));
    console.log('File created');
  `,
    });

    // Second execution - file still exists
    const second = await client.execute({
      sessionId: session.id,
      code: `
    const data = await Bun.file('data.json').json();
    data.count++;
    await Bun.write('data.json', JSON.stringify(data));
    console.log('Count:', data.count); // 1
  `,
    });
    expect(second).toMatchObject({ stdout: "Count: 1\n", exitCode: 0 });
  });

  test("database files", async () => {
    // First execution
    await client.execute({
      sessionId: session.id,
      code: `
    import { Database } from "bun:sqlite";
    const db = new Database("mydb.sqlite");
    db.run("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)");
    db.run("INSERT INTO users (name) VALUES ('Alice')");
    db.close();
  `,
    });

    // Second execution - database still exists
    const second = await client.execute({
      sessionId: session.id,
      code: `
    import { Database } from "bun:sqlite";
    const db = new Database("mydb.sqlite");
    const user = db.query("SELECT * FROM users").get();
    console.log(user); // { id: 1, name: 'Alice' }
  `,
    });
    expect(second.stdout.replaceAll(/\s+/g, " ")).toContain('id: 1, name: "Alice"');
  });

  test("background processes, while it is active", async () => {
    // First execution - start server
    const first = await client.execute({
      sessionId: session.id,
      code: `
    Bun.serve({
      port: 8080,
      fetch() {
        return new Response('Hello!');
      }
    });
    console.log('Server started');
  `,
    });
    // Server keeps running in background
    expect(first).toMatchObject({ background: true, stdout: "Server started\n" });
    const second = await client.execute({
      sessionId: session.id,
      command:
        "curl -s http://127.0.0.1:8080/ || bun -e 'console.log(await (await fetch(`http://127.0.0.1:8080/`)).text())'",
    });
    expect(second.stdout.trim()).toBe("Hello!");
  });
});

describe("what does not persist", () => {
  test("variables in memory", async () => {
    // First execution
    await client.execute({
      sessionId: session.id,
      code: `let myVar = 'hello';`,
    });

    // Second execution - myVar doesn't exist
    const second = await client.execute({
      sessionId: session.id,
      code: `console.log(myVar);`, // ReferenceError: myVar is not defined
    });
    expect(second.exitCode).not.toBe(0);
    expect(second.stderr).toContain("myVar is not defined");
  });

  test("but what was written to a file", async () => {
    // First execution
    await client.execute({
      sessionId: session.id,
      code: `await Bun.write('state.json', JSON.stringify({ myVar: 'hello' }));`,
    });

    // Second execution
    const second = await client.execute({
      sessionId: session.id,
      code: `
    const state = await Bun.file('state.json').json();
    console.log(state.myVar); // 'hello'
  `,
    });
    expect(second.stdout).toBe("hello\n");
  });

  test("files outside of /workspace may go, those inside stay", async () => {
    // ❌ Don't do this
    await client.execute({
      sessionId: session.id,
      code: `await Bun.write('/tmp/data.txt', 'hello');`,
    });
    // ✅ Do this
    await client.execute({
      sessionId: session.id,
      code: `await Bun.write('/workspace/data.txt', 'hello');`,
      // or simply: await Bun.write('data.txt', 'hello');
    });
    expect(await client.files.read({ sessionId: session.id, path: "data.txt" })).toBe("hello");
  });

  test("environment variables", async () => {
    // First execution
    await client.execute({
      sessionId: session.id,
      code: `process.env.MY_VAR = 'test';`,
    });

    // Second execution - MY_VAR doesn't exist
    const second = await client.execute({
      sessionId: session.id,
      code: `console.log(process.env.MY_VAR);`, // undefined
    });
    expect(second.stdout).toBe("undefined\n");
  });

  test("processes after deep sleep", async () => {
    const session = await ownSession(client, SOON);
    // Start a process
    await client.execute({
      sessionId: session.id,
      code: `
    Bun.serve({ port: 8080, fetch: () => new Response('OK') });
  `,
    });
    await session.files.write({ path: "kept.txt", content: "kept" });
    // After 30 minutes of no requests: the session enters deep sleep
    await until("deep sleep", async () => (await session.info()).state === "deep-sleep", { deadlineMs: 30_000 });
    // On next request: files are restored, the server is not running
    const { stdout } = await client.execute({ sessionId: session.id, command: "cat kept.txt" });
    expect(stdout).toBe("kept");
    expect((await client.processes.list({ sessionId: session.id })).processes).toEqual([]);
  });
});

test("disk usage can be monitored", async () => {
  const result = await client.execute({
    sessionId: session.id,
    code: `
    import { spawnSync } from 'bun';
    const result = spawnSync(['du', '-sh', '/workspace']);
    console.log(result.stdout.toString());
  `,
  });
  expect(result.stdout).toMatch(/^[\d.]+[KMG]?\s+\/workspace/);
});

describe("patterns", () => {
  test("SQLite for structured data", async () => {
    const result = await client.execute({
      sessionId: session.id,
      code: `
    import { Database } from "bun:sqlite";
    const db = new Database("app.db");
    
    db.run(\`
      CREATE TABLE IF NOT EXISTS todos (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        title TEXT,
        completed INTEGER DEFAULT 0
      )
    \`);
    
    db.run("INSERT INTO todos (title) VALUES (?)", "Buy milk");
    console.log("Todo saved");
  `,
    });
    expect(result).toMatchObject({ stdout: "Todo saved\n", exitCode: 0 });
  });

  test("JSON files for simple state", async () => {
    const result = await client.execute({
      sessionId: session.id,
      code: `
    const state = {
      counter: 0,
      lastRun: new Date().toISOString(),
      items: []
    };
    
    await Bun.write('state.json', JSON.stringify(state, null, 2));
  `,
    });
    expect(result.filesWritten).toEqual(["state.json"]);
  });

  test("subdirectories", async () => {
    await client.execute({
      sessionId: session.id,
      code: `
    import { mkdirSync } from 'fs';
    
    // Create directory structure
    mkdirSync('data/uploads', { recursive: true });
    mkdirSync('src', { recursive: true });
    mkdirSync('db', { recursive: true });
    
    console.log('Directories created');
  `,
    });
    const list = await client.files.list({ sessionId: session.id, recursive: true });
    expect(list.map((entry) => entry.path)).toEqual(["data", "data/uploads", "db", "src"]);
  });

  test("a counter", async () => {
    // Initialize
    await client.execute({
      sessionId: session.id,
      code: `
    const counter = { count: 0 };
    await Bun.write('counter.json', JSON.stringify(counter));
  `,
    });

    // Increment
    const result = await client.execute({
      sessionId: session.id,
      code: `
    const counter = await Bun.file('counter.json').json();
    counter.count++;
    await Bun.write('counter.json', JSON.stringify(counter));
    console.log('Count:', counter.count);
  `,
    });
    expect(result.stdout).toBe("Count: 1\n");
  });

  test("a session store", async () => {
    const result = await client.execute({
      sessionId: session.id,
      code: `
    class SessionStore {
      constructor(filename = 'session.json') {
        this.filename = filename;
      }
      
      async get(key) {
        try {
          const data = await Bun.file(this.filename).json();
          return data[key];
        } catch {
          return null;
        }
      }
      
      async set(key, value) {
        let data = {};
        try {
          data = await Bun.file(this.filename).json();
        } catch {}
        data[key] = value;
        await Bun.write(this.filename, JSON.stringify(data));
      }
      
      async delete(key) {
        try {
          const data = await Bun.file(this.filename).json();
          delete data[key];
          await Bun.write(this.filename, JSON.stringify(data));
        } catch {}
      }
    }
    
    const store = new SessionStore();
    await store.set('user', { name: 'Alice', age: 30 });
    console.log('Saved');
  `,
    });
    expect(result.stdout).toBe("Saved\n");
    const saved = await client.files.read({ sessionId: session.id, path: "session.json", as: "text" });
    expect(JSON.parse(saved)).toEqual({ user: { name: "Alice", age: 30 } });
  });

  test("a manual backup", async () => {
    const bytes = Uint8Array.of(0, 255, 1);
    await session.files.write({
      files: [
        { path: "a.txt", content: "naïve" },
        { path: "b.bin", content: bytes },
      ],
    });
    const folder = mkdtempSync(path.join(tmpdir(), "buntime-backup-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const Bun = {
      write: vi.fn(async (file: string, content: string | Uint8Array) => {
        mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
        writeFileSync(path.join(folder, file), content);
        return Promise.resolve(content.length);
      }),
    };

    // Read all files
    const files = await client.files.list({ sessionId: session.id });

    for (const file of files) {
      const content = await client.files.read({
        sessionId: session.id,
        path: file.path,
      });

      // Save locally
      await Bun.write(`backup/${file.path}`, content);
    }

    expect(files.total).toBe(2);
    expect(readFileSync(path.join(folder, "backup/a.txt"), "utf8")).toBe("naïve");
    expect(new Uint8Array(readFileSync(path.join(folder, "backup/b.bin")))).toEqual(bytes);
  });
});
