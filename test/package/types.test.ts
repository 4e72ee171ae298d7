import { existsSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { Project } from "./project.ts";

const USE = `
import { Buntime, BuntimeError, type ExecuteResult, type Session } from "buntime";
import type { Snapshot } from "buntime/sdk";
import { BuntimeSessionPersistDriver, type SessionPersistDriver } from "buntime/persist";
import { startBuntime } from "buntime/testing";

const client = new Buntime({ apiKey: "btk_key", timeout: 1000 });
const session = await client.sessions.create({ name: "agent", metadata: { purpose: "types" } });
const result: ExecuteResult = await client.execute({ sessionId: session.sessionId, code: "1" });
const state: "active" | "idle" | "deep-sleep" = session.state;
const { sessions, total }: { sessions: Session[]; total: number } = await client.sessions.list({ limit: 3 });
const entries = await client.files.list({ sessionId: session.sessionId });
const length: number = entries.length + entries.total + total + result.stdout.length + sessions.length;
const snapshot: Snapshot = await client.snapshots.create({ sessionId: session.sessionId });
try {
  await client.execution.kill({ sessionId: session.sessionId });
} catch (error) {
  if (error instanceof BuntimeError && error.code === "session_not_found") console.log(error.retryAfter, state, length);
}
await using platform = await startBuntime({ idleAfter: "1s" });
console.log(platform.client(), snapshot.snapshotId);

const persist: SessionPersistDriver = new BuntimeSessionPersistDriver({ sessionId: session.id, timeout: 1000 });
console.log((await persist.listSessions({ limit: 3 })).items.map(({ agent }) => agent));

// @ts-expect-error: there is no such field
void client.execute({ session: "ses" });
// @ts-expect-error: and no such code
if (new BuntimeError("x", { code: "internal_error" }).code === "nonsense") console.log();
`;

/** Each as its users have it; everybody's declarations are checked, ours among them. */
const PROJECTS = [
  { moduleResolution: "bundler", module: "esnext", types: ["node"], lib: ["esnext"] },
  { moduleResolution: "node16", module: "node16", types: ["node"], lib: ["esnext"] },
  { moduleResolution: "nodenext", module: "nodenext", types: ["node"], lib: ["esnext", "dom", "dom.asynciterable"] },
] as const;

test.each(PROJECTS)(
  "a strict TypeScript project compiles with $moduleResolution, without zod",
  async (compilerOptions) => {
    const project = new Project("bare");
    expect(existsSync(path.join(project.home, "node_modules/zod"))).toBe(false);
    const options = {
      ...compilerOptions,
      target: "es2022",
      strict: true,
      noEmit: true,
      exactOptionalPropertyTypes: true,
    };
    const folder = project.write({
      "use.ts": USE,
      "tsconfig.json": JSON.stringify({ compilerOptions: { ...options, skipLibCheck: false }, files: ["use.ts"] }),
    });
    const tsc = path.join(project.home, "node_modules/typescript/bin/tsc");
    const { status, stdout } = await project.run(process.execPath, [tsc, "-p", folder]);
    expect(stdout).toBe("");
    expect(status).toBe(0);
  },
);
