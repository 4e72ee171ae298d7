import { beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { PREVIEW_HEAD_MS } from "../../src/contract/limits.ts";
import { SessionInfo } from "../../src/contract/session.ts";
import { ask, createSession, execute, expectProblem, previewUrl, until, visit } from "./client.ts";

const SERVER = `let hung = 0;
Bun.serve({
  port: 8080,
  idleTimeout: 0,
  websocket: { message(socket, message) { socket.send(message) } },
  async fetch(request, server) {
    const { pathname } = new URL(request.url);
    if (server.upgrade(request)) return;
    if (pathname === "/redirect") return Response.redirect("/elsewhere", 302);
    if (pathname === "/range") return new Response("234", { status: 206, headers: { "content-range": "bytes 2-4/10", "x-buntime-problem": request.headers.get("x-request-id") + "x" } });
    if (pathname === "/hang") { hung++; return new Promise(() => {}); }
    if (pathname === "/hung") return new Response(String(hung));
    if (pathname === "/stream") return new Response(request.body);
    if (pathname === "/gzip") return new Response(Bun.gzipSync("packed"), { headers: { "content-encoding": "gzip" } });
    return Response.json({ url: request.url, method: request.method, headers: request.headers, body: await request.text() });
  },
});
Bun.serve({ port: 3000, fetch: () => new Response("other port") });`;

let id: string;
beforeAll(async () => {
  ({ id } = await createSession());
});

describe("a preview that nothing answers for", () => {
  it("says so, as JSON to programs and as a page to people", async () => {
    expect(await expectProblem(await visit(previewUrl(id)), "preview_unavailable")).toMatchObject({ port: 8080 });
    const page = await visit(previewUrl(id), { headers: { accept: "text/html,*/*" } });
    expect([page.status, page.headers.get("content-type")]).toEqual([502, "text/html; charset=utf-8"]);
    expect(await page.text()).toContain("Bun.serve({ port: 8080");
  });
});

describe("a preview", () => {
  beforeAll(async () => {
    expect((await execute({ sessionId: id, code: SERVER })).background).toBe(true);
  });

  it("hands any path and method on, with the public host, and nothing of ours", async () => {
    const response = await visit(previewUrl(id, "/api/execute?a=%20b"), {
      method: "PATCH",
      body: "hello",
      headers: {
        authorization: "Bearer theirs",
        "x-buntime-port": "9797",
        "x-buntime-account": "default",
        "x-forwarded-for": "6.6.6.6",
        "x-forwarded-host": "evil",
        "cf-connecting-ip": "1.2.3.4",
      },
    });
    const { url, method, headers, body } = await response.json<{
      url: string;
      method: string;
      headers: Record<string, string>;
      body: string;
    }>();
    expect([url, method, body]).toEqual([previewUrl(id, "/api/execute?a=%20b"), "PATCH", "hello"]);
    expect(headers).toMatchObject({
      host: previewUrl(id).slice("http://".length, -1),
      authorization: "Bearer theirs",
      "accept-encoding": "identity",
      "x-forwarded-for": "1.2.3.4",
      "x-forwarded-host": previewUrl(id).slice("http://".length, -1),
      "x-forwarded-proto": "http",
      "x-request-id": response.headers.get("x-request-id"),
    });
    expect(Object.keys(headers).filter((name) => name.startsWith("x-buntime"))).toEqual([]);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
  });

  it("gives answers back as they are: redirects, ranges, compression", async () => {
    const redirect = await visit(previewUrl(id, "/redirect"));
    expect([redirect.status, redirect.headers.get("location")]).toEqual([302, "/elsewhere"]);
    const range = await visit(previewUrl(id, "/range"), { headers: { range: "bytes=2-4" } });
    expect([range.status, range.headers.get("content-range"), await range.text()]).toEqual([
      206,
      "bytes 2-4/10",
      "234",
    ]);
    const head = await visit(previewUrl(id, "/range"), { method: "HEAD" });
    expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([206, "3", ""]);
    const packed = await visit(previewUrl(id, "/gzip"), { headers: { "accept-encoding": "gzip" } });
    expect(await packed.text()).toBe("packed");
  });

  it("streams both ways at the same time", async () => {
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    const answer = visit(previewUrl(id, "/stream"), { method: "POST", body: readable });
    await writer.write(new TextEncoder().encode("first"));
    const reader = (await answer).body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("first");
    await writer.write(new TextEncoder().encode("second"));
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("second");
    await writer.close();
    expect((await reader?.read())?.done).toBe(true);
  });

  it("carries a WebSocket, text and bytes", async () => {
    const response = await visit(previewUrl(id, "/socket"), { headers: { upgrade: "websocket" } });
    expect(response.status).toBe(101);
    expect(response.headers.get("x-request-id")).toMatch(/^req_/);
    const socket = response.webSocket;
    expect(socket).not.toBeNull();
    const messages: unknown[] = [];
    const { promise: both, resolve } = Promise.withResolvers<void>();
    socket?.addEventListener("message", ({ data }) => {
      if (messages.push(data) === 2) {
        resolve();
      }
    });
    socket?.accept();
    socket?.send("text");
    socket?.send(new Uint8Array([0, 255]));
    await both;
    const [text, bytes] = messages;
    expect(text).toBe("text");
    // SAFETY: Response takes bytes in whatever form they came.
    expect(new Uint8Array(await new Response(bytes as Blob).arrayBuffer())).toEqual(new Uint8Array([0, 255]));
    socket?.close();
  });

  it("has other ports under their own hosts", async () => {
    expect(await (await visit(previewUrl(id, "/", 3000))).text()).toBe("other port");
    await expectProblem(await visit(previewUrl(id, "/", 3001)), "preview_unavailable");
  });

  it("whose server does not begin to answer is given up, and keeps its session awake no longer", async () => {
    const page = visit(previewUrl(id, "/hang"));
    const upload = visit(previewUrl(id, "/hang"), { method: "POST", body: "read first" });
    await until("both to be there", async () => (await (await visit(previewUrl(id, "/hung"))).text()) === "2");
    onTestFinished(() => void vi.useRealTimers());
    const asked = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: asked + PREVIEW_HEAD_MS.plain });
    const told = await page;
    expect(await told.clone().text()).toContain("did not begin to answer within 300 s");
    expect(await expectProblem(told, "preview_unavailable")).toMatchObject({ port: 8080 });
    const ended = asked + PREVIEW_HEAD_MS.withBody;
    vi.setSystemTime(ended);
    await expectProblem(await upload, "preview_unavailable");
    vi.setSystemTime(ended + 20_000);
    const info = SessionInfo.parse(await (await ask("GET", `/sessions/${id}`)).json());
    expect(Date.parse(info.lastActive)).toBeLessThan(ended + 20_000);
  });
});
