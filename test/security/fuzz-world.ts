// What the fuzzed account owns, so that generated requests get further than to "not found"; and what they must not do,
// because it costs a container each time or takes the account away from under the others.
import * as z from "zod";
import { NewAccount } from "../../src/contract/account.ts";
import { Context } from "../../src/contract/contexts.ts";
import { NewWebhook } from "../../src/contract/events.ts";
import { Appended, Thread } from "../../src/contract/history.ts";
import { NewPreviewToken } from "../../src/contract/preview.ts";
import { Snapshot } from "../../src/contract/snapshot.ts";
import { clientOf, operator } from "./accounts.ts";

/** Values that exist, by the name of the parameter or field that takes them. */
export type World = Readonly<Record<string, readonly string[]>>;

export async function makeWorld(): Promise<{ readonly world: World; end(): Promise<void> }> {
  const client = clientOf("fuzzed");
  const one = await client.createSession({ name: "fuzzed" });
  const spare = await operator().ask(NewAccount, "POST", "/admin/accounts", { name: "spare" });
  const { executionId } = await client.execute({
    sessionId: one.id,
    command: "echo hi; mkdir -p src; echo text > src/a.txt",
  });
  const snapshot = await client.ask(Snapshot, "POST", `/sessions/${one.id}/snapshots`, { label: "first" });
  const context = await client.ask(Context, "POST", `/sessions/${one.id}/contexts`, { language: "javascript" });
  const said = await client.ask(Appended, "POST", `/sessions/${one.id}/messages`, {
    type: "user_message",
    content: "text",
  });
  await client.ask(Thread, "PUT", `/sessions/${one.id}/threads/kept`, { record: 1 });
  const hook = await client.ask(NewWebhook, "POST", "/webhooks", { url: "https://hooks.example.com/fuzzed" });
  const token = await client.ask(NewPreviewToken, "POST", `/sessions/${one.id}/preview-tokens`, {});
  return {
    world: {
      id: [one.id, "fuzzed"],
      sessionId: [one.id, "fuzzed"],
      executionId: [executionId],
      snapshotId: [snapshot.snapshotId],
      to: [snapshot.snapshotId],
      tokenId: [token.tokenId],
      contextId: [context.id],
      webhookId: [hook.id],
      eventId: [said.items[0]?.id ?? ""],
      threadId: ["kept"],
      thread: ["kept"],
      accountId: [spare.id],
      keyId: [spare.keyId],
      path: ["src/a.txt", "src", "new/file.txt"],
      from: ["src/a.txt", "src"],
      q: ["text"],
      glob: ["**/*.txt"],
    },
    end: async () => void (await client.request("DELETE", `/sessions/${one.id}`)),
  };
}

const Fields = z.record(z.string(), z.unknown());
type Fields = z.infer<typeof Fields>;

interface Tamed {
  readonly without: readonly string[];
  readonly having?: Fields;
}

/** Of bodies that fit: fields left out or given, since what would be generated is slow or outlives the test. */
const TAMED: Readonly<Record<string, Tamed>> = {
  execute: {
    without: ["code", "files"],
    having: { sessionId: "fuzzed", command: "true", timeout: 5, background: false, workingDir: "/workspace" },
  },
  createContext: { without: ["workingDir"], having: { language: "javascript" } },
  runInContext: { without: [], having: { code: "1", timeout: 5 } },
  createSession: { without: ["services", "image", "resourceLimits"] },
  updateSession: { without: ["services", "name", "idleAfter", "deepSleepAfter", "budget", "internet"] },
  writeFiles: { without: ["files"], having: { path: "written.txt", content: "x", encoding: "utf-8" } },
  createKey: { without: ["expiresAt"] },
};

export function tamed(operation: string, body: unknown): unknown {
  const fields = Fields.safeParse(body);
  const rule = TAMED[operation];
  if (!fields.success || rule === undefined) return body;
  const kept = Object.entries(fields.data).filter(([name]) => !rule.without.includes(name));
  return { ...Object.fromEntries(kept), ...rule.having };
}

const ID = /_[0-9a-z]{20}$/;

/** Operations that may not be given what the world consists of. */
export const SPARED = new Set([
  "deleteSession",
  "deleteAccount",
  "revokeKey",
  "rotateKey",
  "deleteWebhook",
  "deleteSnapshot",
  "deleteContext",
  "deleteThread",
]);

export function valuesFor(operation: string, name: string, world: World): readonly string[] {
  const known = world[name] ?? [];
  return SPARED.has(operation)
    ? known.filter((value) => ID.test(value)).map((value) => value.replace(ID, "_00000000000000000000"))
    : known;
}

/** Operations of which each success starts a process, a container or a walk through all files. */
const COSTLY = new Set([
  "createSession",
  "execute",
  "createContext",
  "runInContext",
  "kill",
  "forkSession",
  "createSnapshot",
  "restoreSnapshot",
  "diffSnapshot",
  "downloadArchive",
  "uploadArchive",
]);

export const requestsOf = (operation: string, usual: number): number => (COSTLY.has(operation) ? 60 : usual);
