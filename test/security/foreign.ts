// For each operation a request that would succeed for its owner, so that a stranger is refused for no other reason than
// that it is somebody else's. Operations that are not listed want nothing but their path.
import { NewKey } from "../../src/contract/account.ts";
import { Context } from "../../src/contract/contexts.ts";
import { Appended, Thread } from "../../src/contract/history.ts";
import { NewPreviewToken } from "../../src/contract/preview.ts";
import { NewWebhook } from "../../src/contract/events.ts";
import type { Session } from "../../src/contract/session.ts";
import { Snapshot } from "../../src/contract/snapshot.ts";
import type { Client } from "../../scripts/client.ts";
import { TerminalViewer } from "../support/terminal.ts";

/** Everything that an account can own and others can try to name, by the name of the parameter that takes it. */
export type Belongings = Readonly<Record<string, string>> & { readonly id: string; readonly sessionId: string };

export const OWNED_TEXT = "alice's own words";
const HOOK = "https://hooks.example.com/alice";

export async function belongingsOf(client: Client, name: string): Promise<Belongings> {
  const session: Session = await client.createSession({ name, preview: "private" });
  const { id } = session;
  const { executionId } = await client.execute({ sessionId: id, command: `echo "${OWNED_TEXT}" | tee words.txt` });
  const snapshot = await client.ask(Snapshot, "POST", `/sessions/${id}/snapshots`, { label: "kept" });
  const token = await client.ask(NewPreviewToken, "POST", `/sessions/${id}/preview-tokens`, {});
  const terminal = await new TerminalViewer(client, id, { command: "cat words.txt; exec cat" }).ready();
  const context = await client.ask(Context, "POST", `/sessions/${id}/contexts`, { language: "javascript" });
  const said = await client.ask(Appended, "POST", `/sessions/${id}/messages`, {
    type: "user_message",
    content: OWNED_TEXT,
  });
  const thread = await client.ask(Thread, "PUT", `/sessions/${id}/threads/kept`, { record: { words: OWNED_TEXT } });
  const key = await client.ask(NewKey, "POST", "/keys", { name: "second", scopes: ["sessions:read"] });
  const webhook = await client.ask(NewWebhook, "POST", "/webhooks", { url: HOOK });
  return {
    id,
    sessionId: id,
    name,
    executionId,
    snapshotId: snapshot.snapshotId,
    tokenId: token.tokenId,
    token: token.token,
    terminalId: terminal.terminal.id,
    contextId: context.id,
    eventId: said.items[0]?.id ?? "",
    threadId: thread.id,
    keyId: key.id,
    webhookId: webhook.id,
    deliveryId: `dlv_${"0".repeat(20)}`,
    path: "words.txt",
  };
}

interface Wanted {
  readonly query?: Readonly<Record<string, string>>;
  readonly json?: Readonly<Record<string, unknown>>;
  readonly body?: string;
}

export const WANTED: Readonly<Record<string, Wanted>> = {
  updateSession: { json: { metadata: { taken: true }, name: "taken", preview: "public" } },
  execute: { json: { command: "cat words.txt; echo gone > words.txt" } },
  kill: { json: {} },
  createContext: { json: { language: "javascript" } },
  runInContext: { json: { code: "await Bun.write('words.txt', 'gone')" } },
  appendEvents: { json: { payload: "taken" } },
  addMessages: { json: { type: "user_message", content: "taken" } },
  putThread: { json: { record: "taken" } },
  writeFiles: { json: { path: "words.txt", content: "gone" } },
  readFile: { query: { path: "words.txt" } },
  deleteFile: { query: { path: "words.txt" } },
  moveFile: { json: { from: "words.txt", to: "moved.txt" } },
  makeDirectory: { json: { path: "made" } },
  uploadFile: { body: "gone" },
  uploadArchive: { body: "" },
  searchFiles: { query: { q: "words" } },
  createSnapshot: { json: { label: "taken" } },
  restoreSnapshot: { json: {} },
  forkSession: { json: {} },
  createPreviewToken: { json: {} },
};
