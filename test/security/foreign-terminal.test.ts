// Terminals are opened by WebSocket, which the tests of all routes do not speak: what is promised there holds here too.
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { NewKey } from "../../src/contract/account.ts";
import { KEY_PROTOCOL, TERMINAL_CLOSE, TERMINAL_PROTOCOL } from "../../src/contract/terminal-wire.ts";
import type { Client } from "../../scripts/client.ts";
import { TerminalViewer } from "../support/terminal.ts";
import type { ConnectOptions, ViewerOptions } from "../support/terminal.ts";
import { clientOf, clientWith } from "./accounts.ts";

const alice = clientOf("alice");
const mallory = clientOf("mallory");
const NOBODYS = "ses_00000000000000000000";
let hers = { id: "", terminalId: "" };
let his = "";

function open(client: Client, ref: string, options: ViewerOptions = {}, connect: ConnectOptions = {}): TerminalViewer {
  const viewer = new TerminalViewer(client, ref, options, connect);
  onTestFinished(() => viewer.drop());
  return viewer;
}

beforeAll(async () => {
  const [one, other] = await Promise.all([alice.createSession({ name: "typing" }), mallory.createSession()]);
  const viewer = new TerminalViewer(alice, one.id, { command: "echo her own words; exec cat" });
  const { terminal } = await viewer.ready();
  hers = { id: one.id, terminalId: terminal.id };
  his = other.id;
  return async () => {
    viewer.drop();
    await Promise.all([alice.request("DELETE", `/sessions/${one.id}`), mallory.request("DELETE", `/sessions/${his}`)]);
  };
});

async function refusalOf(viewer: TerminalViewer): Promise<{ status: number; text: string }> {
  const { status, text } = await viewer.refused();
  return { status, text: text.replaceAll(/req_[0-9a-z]{20}/g, "req") };
}

describe("another account's terminal", () => {
  test("is not there, to the letter as one of a session that never was, however it is asked for", async () => {
    const id = hers.terminalId;
    for (const options of [{}, { id }, { id, after: 0 }, { id, create: true }, { command: "cat words.txt" }]) {
      const unknown = await refusalOf(open(mallory, NOBODYS, options));
      expect(unknown.status).toBe(404);
      expect(unknown.text).toContain('"code":"session_not_found"');
      expect(await refusalOf(open(mallory, hers.id, options))).toEqual(unknown);
      expect((await refusalOf(open(mallory, "typing", options))).status).toBe(404);
    }
  });

  test("is not found from a session of one's own", async () => {
    const viewer = open(mallory, his, { id: hers.terminalId, after: 0 });
    expect((await viewer.end()).code).toBe(TERMINAL_CLOSE.gone);
    expect(viewer.text).toBe("");
  });

  test("is as it was after all of that", async () => {
    const viewer = open(alice, hers.id, { id: hers.terminalId });
    expect(await viewer.ready()).toMatchObject({ created: false, terminal: { viewers: 2, exit: null } });
    await viewer.shows("her own words");
    expect(viewer.text).not.toContain("words.txt");
  });
});

describe("a key that is offered as a protocol", () => {
  const offering = (key: string): ConnectOptions => ({
    protocols: [TERMINAL_PROTOCOL, `${KEY_PROTOCOL}${key}`],
    headers: {},
  });

  test("opens what it opens in a header, and no more", async () => {
    await open(alice, hers.id, { command: "exec cat" }, offering(alice.apiKey)).ready();
    expect((await refusalOf(open(mallory, hers.id, {}, offering(mallory.apiKey)))).status).toBe(404);
    expect((await refusalOf(open(alice, hers.id, {}, offering(`${alice.apiKey}x`)))).status).toBe(401);
    const narrow = await alice.ask(NewKey, "POST", "/keys", { scopes: ["sessions:read", "files:write", "admin"] });
    onTestFinished(async () => void (await alice.request("DELETE", `/keys/${narrow.id}`)));
    expect((await refusalOf(open(alice, hers.id, {}, offering(narrow.key)))).status).toBe(403);
  });

  test("does not speak for a header that names another one", async () => {
    const { protocols = [] } = offering(alice.apiKey);
    const headers = { authorization: `Bearer ${mallory.apiKey}` };
    expect((await refusalOf(open(mallory, hers.id, {}, { protocols, headers }))).status).toBe(404);
  });

  test("is in none of what the session can see", async () => {
    const viewer = open(
      alice,
      hers.id,
      { command: "env; cat /proc/*/environ; echo all-seen; exec cat" },
      offering(alice.apiKey),
    );
    await viewer.shows("all-seen");
    expect(viewer.text).not.toContain(alice.apiKey);
  });

  test("opens nothing but with an upgrade", async () => {
    const protocol = `${TERMINAL_PROTOCOL}, ${KEY_PROTOCOL}${alice.apiKey}`;
    const headers = { authorization: "", "sec-websocket-protocol": protocol };
    expect((await clientWith("x").request("GET", "/sessions", { headers })).status).toBe(401);
  });
});
