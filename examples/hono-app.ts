// A web app that stays: Hono with SQLite, as a service of a session, behind the session's preview. `hono` is installed in the
// session because it is imported; the service is started whenever the session is awake, and its database is a file.
//   node examples/hono-app.ts        (BUNTIME_BASE_URL and BUNTIME_API_KEY say which platform)
import dns from "node:dns";
import { once } from "node:events";
import http from "node:http";
import type { IncomingMessage } from "node:http";
import https from "node:https";
import type { LookupFunction } from "node:net";
import { json } from "node:stream/consumers";
import { Buntime } from "buntime";

const APP = `
import { Database } from "bun:sqlite";
import { Hono } from "hono";

const db = new Database("notes.sqlite");
db.run("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)");

const app = new Hono();
app.get("/notes", (c) => c.json(db.query("SELECT * FROM notes ORDER BY id").all()));
app.post("/notes", async (c) => {
  const { text } = await c.req.json();
  return c.json(db.query("INSERT INTO notes (text) VALUES (?) RETURNING *").get(text), 201);
});

export default { port: 8080, fetch: app.fetch };
`;

const client = new Buntime();
await using session = await client.sessions.create({ ttl: 3600 });

/** Where the system's resolver knows nothing of *.localhost: that is this machine. */
const lookup: LookupFunction = (host, options, done) =>
  dns.lookup(host.endsWith(".localhost") ? "localhost" : host, options, done);
const { request } = session.previewUrl.startsWith("https:") ? https : http;

async function visit(path: string, note?: { text: string }): Promise<unknown> {
  const url = new URL(path, session.previewUrl);
  const sent = request(url, { method: note === undefined ? "GET" : "POST", lookup }).end(JSON.stringify(note));
  // SAFETY: what the event comes with.
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return await json(response);
}

await session.files.write({ path: "app.ts", content: APP });
// The first start installs what is imported; this waits until the app listens, or says why it does not.
const first = await session.execute({ command: "bun app.ts", timeout: 30 });
if (!first.background) throw new Error(`the app did not start:\n${first.stderr}`);
console.log("it listens");
await session.execution.kill();

// From now on the platform starts it, on every wake, and again when it crashes.
await session.setServices([{ name: "web", command: "bun app.ts", port: 8080 }]);

console.log("added:", await visit("/notes", { text: "buy milk" }));
console.log("added:", await visit("/notes", { text: "write docs" }));

// As after a crash: the next visit finds it running again, with its notes.
const { services } = await session.processes();
await session.execution.kill({ pid: services[0]?.pid ?? 0, signal: "SIGKILL" });
for (const deadline = Date.now() + 20_000; ;) {
  const { services: now } = await session.processes();
  if (now[0]?.status === "running" && now[0].restarts > 0) break;
  if (Date.now() > deadline) throw new Error("the service did not come back");
  await new Promise((resolve) => setTimeout(resolve, 100));
}
console.log("after a crash:", await visit("/notes"));
