import { env, runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { previewLabel } from "../../src/contract/ids.ts";
import { NewPreviewToken, PreviewTokenList } from "../../src/contract/preview.ts";
import { ask, createSession, execute, expectProblem, previewUrl, until, visit } from "./client.ts";

const SERVER = `for (const port of [8080, 3000]) Bun.serve({
  port,
  websocket: { open(socket) { socket.send("open") }, message(socket, message) { socket.send(message) } },
  fetch(request, server) {
    if (server.upgrade(request)) return;
    if (request.url.endsWith("/stream")) return new Response(new ReadableStream({ start: (c) => c.enqueue("begun") }));
    return Response.json({ port, url: request.url, headers: request.headers });
  },
});`;

interface Seen {
  readonly port: number;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

async function newToken(sessionId: string, body: unknown = {}): Promise<NewPreviewToken> {
  const response = await ask("POST", `/sessions/${sessionId}/preview-tokens`, { body });
  const text = await response.text();
  expect(response.status, text).toBe(201);
  return NewPreviewToken.parse(JSON.parse(text));
}

/** What the user's server saw. */
async function seen(response: Response): Promise<Seen> {
  const text = await response.text();
  expect(response.status, text).toBe(200);
  // SAFETY: as SERVER answers.
  return JSON.parse(text) as Seen;
}

const withToken = (token: string): RequestInit => ({ headers: { "x-preview-token": token } });
const asPage = { headers: { accept: "text/html,*/*;q=0.8" } };

let id: string;
beforeAll(async () => {
  const session = await createSession({ preview: "private" });
  expect(session.preview).toBe("private");
  ({ id } = session);
  await execute({ sessionId: id, code: SERVER });
});

describe("a private preview without a token", () => {
  it("is a 401 to programs and a page to people, on every port, listening or not", async () => {
    for (const port of [8080, 3000, 4000]) {
      await expectProblem(await visit(previewUrl(id, "/", port)), "unauthorized");
    }
    const page = await visit(previewUrl(id), asPage);
    expect([page.status, page.headers.get("content-type")]).toEqual([401, "text/html; charset=utf-8"]);
    expect(await page.text()).toContain("This preview is private");
  });

  it("is a 401 to a WebSocket", async () => {
    const response = await visit(previewUrl(id), { headers: { upgrade: "websocket" } });
    expect(response.webSocket).toBeNull();
    await expectProblem(response, "unauthorized");
  });

  it("does not open for an API key, nor for what only looks like a token", async () => {
    const { token } = await newToken(id);
    for (const wrong of [
      token.slice(0, -1),
      `${token}x`,
      `${token.slice(0, -1)}${token.endsWith("0") ? "1" : "0"}`,
      "",
      ",,,",
    ]) {
      await expectProblem(await visit(previewUrl(id), withToken(wrong)), "unauthorized");
      await expectProblem(await visit(previewUrl(id, `/?token=${wrong}`)), "unauthorized");
    }
    const key = { headers: { authorization: "Bearer btk_worker_tests_only", "x-buntime-tokens": token } };
    await expectProblem(await visit(previewUrl(id), key), "unauthorized");
  });

  it("neither wakes the session nor keeps it awake", async () => {
    const session = await createSession({ preview: "private", idleAfter: "1s", deepSleepAfter: "1s" });
    await execute({ sessionId: session.id, command: "true" });
    const state = async (): Promise<string> => {
      const { state: now } = await (await ask("GET", `/sessions/${session.id}`)).json<{ state: string }>();
      return now;
    };
    await until("it sleeps although visitors come", async () => {
      await expectProblem(await visit(previewUrl(session.id)), "unauthorized");
      return (await state()) === "deep-sleep";
    });
    await expectProblem(await visit(previewUrl(session.id)), "unauthorized");
    expect((await visit(previewUrl(session.id, `/?token=btp_${"0".repeat(52)}`), asPage)).status).toBe(401);
    expect(await state()).toBe("deep-sleep");
    const { token } = await newToken(session.id);
    await expectProblem(await visit(previewUrl(session.id), withToken(token)), "preview_unavailable");
    expect(await state()).toBe("active");
  });
});

describe("a preview token", () => {
  it("opens the preview from a header, a query or a cookie, and the user's server sees nothing of it", async () => {
    const { token } = await newToken(id);
    const path = "/a//b?x=%201&token=theirs&y";
    const answers = await Promise.all([
      visit(previewUrl(id, path), withToken(token)),
      visit(previewUrl(id, `${path}&token=${token}`)),
      visit(previewUrl(id, path), { headers: { cookie: `a=1; buntime-preview=${token}; b=2` } }),
      visit(previewUrl(id, path), { headers: { cookie: `__Host-buntime-preview=${token}` } }),
    ]);
    for (const [index, answer] of answers.entries()) {
      const { url, headers } = await seen(answer);
      expect(url).toBe(previewUrl(id, path));
      expect(headers["cookie"]).toBe(index === 2 ? "a=1; b=2" : undefined);
      expect(JSON.stringify(headers)).not.toContain("btp_");
      expect(Object.keys(headers).filter((name) => name.startsWith("x-buntime") || name.includes("token"))).toEqual([]);
    }
  });

  it("in a link becomes a cookie of that host alone, and leaves the address", async () => {
    const { token, url } = await newToken(id, { expiresIn: "10m" });
    expect(url).toBe(previewUrl(id, `/?token=${token}`));
    const http = await visit(previewUrl(id, `//evil.example/x?token=${token}&keep=1`), asPage);
    expect([http.status, http.headers.get("location"), http.headers.get("referrer-policy")]).toEqual([
      302,
      previewUrl(id, "//evil.example/x?keep=1"),
      "no-referrer",
    ]);
    const attributes = (header: string | null): string[] => (header ?? "").split("; ");
    const [pair, path, age, ...rest] = attributes(http.headers.get("set-cookie"));
    expect([pair, path, ...rest]).toEqual([`buntime-preview=${token}`, "Path=/", "HttpOnly", "SameSite=Lax"]);
    expect(Number(age?.replace("Max-Age=", ""))).toBeGreaterThan(500);
    const https = await visit(url.replace("http:", "https:"), asPage);
    expect(attributes(https.headers.get("set-cookie")).filter((part) => !part.startsWith("Max-Age="))).toEqual([
      `__Host-buntime-preview=${token}`,
      "Path=/",
      "HttpOnly",
      "SameSite=Lax",
      "Secure",
    ]);
    await seen(await visit(previewUrl(id), { headers: { cookie: pair ?? "" } }));
    const framed = { headers: { ...asPage.headers, "sec-fetch-site": "cross-site", "sec-fetch-dest": "iframe" } };
    await seen(await visit(url, framed));
  });

  it("opens no other port, and nothing of another session", async () => {
    const other = await createSession({ preview: "private" });
    const { token } = await newToken(id, { port: 3000 });
    expect((await seen(await visit(previewUrl(id, "/", 3000), withToken(token)))).port).toBe(3000);
    await expectProblem(await visit(previewUrl(id), withToken(token)), "unauthorized");
    const link = await visit(previewUrl(id, `/?token=${token}`), asPage);
    expect([link.status, link.headers.get("set-cookie")]).toEqual([401, null]);
    await expectProblem(await visit(previewUrl(other.id, "/", 3000), withToken(token)), "unauthorized");
  });

  it("opens nothing once it is revoked, and what it had opened is closed", async () => {
    const { token, tokenId } = await newToken(id);
    const response = await visit(previewUrl(id), { headers: { upgrade: "websocket", "x-preview-token": token } });
    expect(response.status).toBe(101);
    const socket = response.webSocket;
    const closed = new Promise<number>((resolve) => socket?.addEventListener("close", ({ code }) => resolve(code)));
    socket?.accept();
    expect((await ask("DELETE", `/sessions/${id}/preview-tokens/${tokenId}`)).status).toBe(200);
    await expectProblem(await visit(previewUrl(id), withToken(token)), "unauthorized");
    expect(await closed).toBe(1008);
    await expectProblem(await ask("DELETE", `/sessions/${id}/preview-tokens/${tokenId}`), "not_found");
  });

  it("opens nothing once it has expired", async () => {
    const { token } = await newToken(id, { expiresIn: "1s" });
    await until("it has expired", async () => (await visit(previewUrl(id), withToken(token))).status === 401);
    const { tokens } = PreviewTokenList.parse(await (await ask("GET", `/sessions/${id}/preview-tokens`)).json());
    expect(tokens.map(({ tokenId }) => tokenId)).not.toContain(token.replace("btp_", "pvt_").slice(0, 24));
  });

  it("is shown once and stored as a digest", async () => {
    const { token, tokenId, ...rest } = await newToken(id, { label: "for Ann" });
    expect(rest).toMatchObject({ port: 8080, label: "for Ann" });
    const listed = await (await ask("GET", `/sessions/${id}/preview-tokens`)).text();
    expect(listed).toContain(tokenId);
    expect(listed).not.toContain("btp_");
    const stored = await runInDurableObject(env.SESSION.getByName(id), (_object, state) =>
      state.storage.sql.exec("SELECT * FROM preview_token WHERE id = ?", tokenId).toArray(),
    );
    expect(stored).toHaveLength(1);
    expect(JSON.stringify(stored)).not.toContain(token.slice(-32));
  });

  it("is refused for a port that has no preview, and for a time too short or too long", async () => {
    for (const body of [
      { port: 9797 },
      { port: 0 },
      { expiresIn: "8d" },
      { expiresIn: "0s" },
      { label: "" },
      { x: 1 },
    ]) {
      await expectProblem(await ask("POST", `/sessions/${id}/preview-tokens`, { body }), "invalid_request");
    }
  });

  it("is one of a hundred at the most", async () => {
    const session = await createSession();
    for (let made = 0; made < 100; made++) await newToken(session.id);
    await expectProblem(await ask("POST", `/sessions/${session.id}/preview-tokens`, { body: {} }), "conflict");
    const page = await (await ask("GET", `/sessions/${session.id}/preview-tokens?limit=7&offset=95`)).json();
    expect(PreviewTokenList.parse(page)).toMatchObject({ total: 100, tokens: { length: 5 } });
  });
});

describe("whether a preview is private", () => {
  it("may be changed at any time, and a fork is as its original", async () => {
    const session = await createSession();
    expect(session.preview).toBe("public");
    await expectProblem(await visit(previewUrl(session.id)), "preview_unavailable");
    expect(
      await (await ask("PATCH", `/sessions/${session.id}`, { body: { preview: "private" } })).json(),
    ).toMatchObject({
      preview: "private",
    });
    await expectProblem(await visit(previewUrl(session.id)), "unauthorized");
    const { token } = await newToken(session.id);
    const fork = await (
      await ask("POST", `/sessions/${session.id}/fork`, { body: {} })
    ).json<{ id: string; preview: string }>();
    expect(fork.preview).toBe("private");
    await expectProblem(await visit(previewUrl(fork.id), withToken(token)), "unauthorized");
    await ask("PATCH", `/sessions/${session.id}`, { body: { preview: "public" } });
    const open = await visit(previewUrl(session.id, `/?token=${token}`), asPage);
    expect([open.status, open.headers.get("set-cookie")]).toEqual([302, null]);
    await expectProblem(await visit(previewUrl(session.id)), "preview_unavailable");
  });

  it("closes what was opened while it was public, when it becomes private", async () => {
    const session = await createSession();
    await execute({ sessionId: session.id, code: SERVER });
    const [stranger, stream, guest] = await Promise.all([
      visit(previewUrl(session.id), { headers: { upgrade: "websocket" } }),
      visit(previewUrl(session.id, "/stream")),
      visit(previewUrl(session.id), { headers: { upgrade: "websocket" } }),
    ]);
    const reader = stream.body?.getReader();
    await reader?.read();
    const closed = [stranger, guest].map(
      ({ webSocket }) =>
        new Promise((resolve) => webSocket?.addEventListener("close", ({ code, reason }) => resolve({ code, reason }))),
    );
    stranger.webSocket?.accept();
    guest.webSocket?.accept();
    const patched = await ask("PATCH", `/sessions/${session.id}`, { body: { preview: "private" } });
    expect(patched.status).toBe(200);
    const told = { code: 1008, reason: expect.stringContaining("private") };
    expect(await Promise.all(closed)).toEqual([told, told]);
    await expect(reader?.read()).rejects.toThrow();
    // Other changes close nothing, and neither does being public again.
    const { token } = await newToken(session.id);
    const admitted = await visit(previewUrl(session.id), {
      headers: { upgrade: "websocket", "x-preview-token": token },
    });
    admitted.webSocket?.accept();
    for (const body of [{ description: "a" }, { preview: "private" }, { preview: "public" }, { description: "b" }]) {
      expect((await ask("PATCH", `/sessions/${session.id}`, { body })).status).toBe(200);
    }
    expect(admitted.webSocket?.readyState).toBe(WebSocket.OPEN);
    admitted.webSocket?.close();
  });

  it("does not tell an unknown session from one that was deleted", async () => {
    const session = await createSession({ preview: "private" });
    await ask("DELETE", `/sessions/${session.id}`);
    await expectProblem(await visit(previewUrl(session.id)), "session_not_found");
    await expectProblem(
      await visit(`http://${previewLabel("ses_00000000000000000000")}.localhost:8787/`),
      "session_not_found",
    );
  });
});
