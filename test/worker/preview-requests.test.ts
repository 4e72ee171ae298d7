// What a session's previews were asked lately, as its owner sees it.
import { env } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { PreviewRequestPage } from "../../src/contract/preview.ts";
import type { PreviewRequest } from "../../src/contract/preview.ts";
import { createKey, askAs } from "./accounts.ts";
import { ask, createSession, execute, expectProblem, loseObject, previewUrl, visit } from "./client.ts";

const SERVER = `Bun.serve({
  port: 8080,
  websocket: { message(socket, message) { socket.send(message) } },
  fetch(request, server) {
    if (server.upgrade(request)) return;
    const { pathname } = new URL(request.url);
    if (pathname === "/stream") return new Response((async function* () { yield "a"; await Bun.sleep(1); yield "b" })());
    return new Response("hello", { status: pathname === "/teapot" ? 418 : 200 });
  },
});`;

async function page(id: string, query = ""): Promise<PreviewRequestPage> {
  const response = await ask("GET", `/sessions/${id}/preview-requests${query}`);
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return PreviewRequestPage.parse(JSON.parse(text));
}

async function asked(id: string, after: number): Promise<PreviewRequest[]> {
  return (await page(id, `?after=${after}`)).requests;
}

let id: string;
beforeAll(async () => {
  ({ id } = await createSession());
  await execute({ sessionId: id, code: SERVER });
});

describe("the requests that previews were asked", () => {
  it("are told with their answers, newest last", async () => {
    const { lastSeq } = await page(id);
    await (await visit(previewUrl(id, "/a%20b/ü?x=1&y=<b>"))).text();
    await (await visit(previewUrl(id, "/teapot"), { method: "DELETE" })).text();
    await (await visit(previewUrl(id, "/stream"))).text();
    await expectProblem(await visit(previewUrl(id, "/none", 3000)), "preview_unavailable");
    const requests = await asked(id, lastSeq);
    expect(requests).toMatchObject([
      { method: "GET", path: "/a%20b/%C3%BC?x=1&y=%3Cb%3E", port: 8080, status: 200, bytes: 5, webSocket: false },
      { method: "DELETE", path: "/teapot", status: 418 },
      { path: "/stream", status: 200, bytes: null },
      { path: "/none", port: 3000, status: 502 },
    ]);
    expect(requests.map(({ seq }) => seq)).toEqual(requests.map(({ seq }) => seq).toSorted((a, b) => a - b));
    expect((await page(id, `?after=${lastSeq}&limit=2`)).lastSeq).toBe(requests[1]?.seq);
    const end = requests.at(-1)?.seq ?? 0;
    expect(await page(id, `?after=${end}`)).toEqual({ requests: [], lastSeq: end });
  });

  it("hold no token, whoever it is for", async () => {
    const { lastSeq } = await page(id);
    await (await visit(previewUrl(id, "/?a=1&token=btp_secret&b=2"))).text();
    await (await visit(previewUrl(id, "/?%74oken=secret"))).text();
    const requests = await asked(id, lastSeq);
    expect(requests.map(({ path }) => path)).toEqual(["/?a=1&b=2", "/"]);
    expect(JSON.stringify(requests)).not.toContain("secret");
  });

  it("have a WebSocket once, however much goes over it", async () => {
    const { lastSeq } = await page(id);
    const { webSocket, status } = await visit(previewUrl(id, "/ws"), { headers: { upgrade: "websocket" } });
    expect(status).toBe(101);
    webSocket?.accept();
    const echoed = new Promise((resolve) => webSocket?.addEventListener("message", resolve, { once: true }));
    webSocket?.send("hi");
    await echoed;
    webSocket?.close();
    expect(await asked(id, lastSeq)).toMatchObject([{ path: "/ws", status: 101, bytes: null, webSocket: true }]);
  });

  it("are the last two hundred, each cut at a length", async () => {
    const { lastSeq } = await page(id);
    await (await visit(previewUrl(id, `/first?${"x".repeat(5000)}`))).text();
    const [long] = await asked(id, lastSeq);
    expect(long?.path).toHaveLength(2000);
    for (let at = 0; at < 210; at++) {
      await (await visit(previewUrl(id, `/${at}`))).text();
    }
    const { requests } = await page(id);
    expect(requests.map(({ path }) => path)).toEqual(Array.from({ length: 200 }, (_, at) => `/${at + 10}`));
  });

  it("count on when the session's object was lost, so that nobody who goes on misses any", async () => {
    const { lastSeq } = await page(id);
    await loseObject(env.SESSION.getByName(id));
    expect(await page(id, `?after=${lastSeq}`)).toEqual({ requests: [], lastSeq });
    await (await visit(previewUrl(id, "/later"))).text();
    expect(await asked(id, lastSeq)).toMatchObject([{ path: "/later", status: 200 }]);
  });

  it("tell of visitors who were refused, and reading them wakes nothing", async () => {
    const { id: closed } = await createSession({ preview: "private" });
    await ask("POST", `/sessions/${closed}/sleep`);
    await expectProblem(await visit(previewUrl(closed)), "unauthorized");
    expect((await page(closed)).requests).toMatchObject([{ path: "/", status: 401 }]);
    expect(await (await ask("GET", `/sessions/${closed}`)).json()).toMatchObject({ state: "deep-sleep" });
  });

  it("need a key that may look at sessions, and a number to go on from", async () => {
    const { key } = await createKey({ scopes: ["files:read"] });
    await expectProblem(await askAs(key, "GET", `/sessions/${id}/preview-requests`), "forbidden");
    for (const query of ["?after=-1", "?after=x", "?after=1e3", "?limit=0", "?limit=201"]) {
      await expectProblem(await ask("GET", `/sessions/${id}/preview-requests${query}`), "invalid_request");
    }
  });
});
