// A session's servers seen from outside, over HTTP.
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { readText } from "../../scripts/client.ts";
import type { PreviewOptions } from "../../scripts/client.ts";
import { newSession, ON_DOCKER, platformOfRun } from "../support/e2e.ts";

const client = platformOfRun();
let sessionId = "";

const SERVER = `
Bun.serve({
  port: 8080,
  idleTimeout: 60,
  maxRequestBodySize: 1e10,
  async fetch(request) {
    const url = new URL(request.url);
    if (url.pathname === "/echo") {
      return Response.json({ method: request.method, url: request.url, headers: [...request.headers], body: await request.text() });
    }
    if (url.pathname === "/count") {
      let bytes = 0;
      for await (const chunk of request.body ?? []) bytes += chunk.length;
      return new Response(String(bytes));
    }
    if (url.pathname === "/parrot") return new Response(request.body);
    if (url.pathname === "/drip") {
      return new Response((async function* () { yield "first\\n"; while (!(await Bun.file("go").exists())) await Bun.sleep(20); yield "second\\n"; })());
    }
    if (url.pathname === "/large") {
      const chunk = new Uint8Array(1 << 20).fill(120);
      let left = 100;
      return new Response(new ReadableStream({ pull(c) { if (left-- > 0) c.enqueue(chunk); else c.close(); } }));
    }
    if (url.pathname === "/file") return new Response(Bun.file("data.txt"));
    if (url.pathname === "/redirect") return Response.redirect("/elsewhere?x=1", 307);
    if (url.pathname === "/cookies") return new Response("", { headers: [["set-cookie", "a=1; Path=/"], ["set-cookie", "b=2"]] });
    if (url.pathname.startsWith("/status/")) return new Response("said", { status: Number(url.pathname.slice(8)) });
    if (url.pathname === "/gzip") return new Response(Bun.gzipSync("squeezed"), { headers: { "content-encoding": "gzip" } });
    return new Response("root " + url.pathname + url.search);
  },
});`;

beforeAll(async () => {
  sessionId = (await client.createSession()).id;
  await client.execute({ sessionId, files: [{ path: "data.txt", content: "0123456789" }], code: SERVER });
  return async () => void (await client.request("DELETE", `/sessions/${sessionId}`));
});

interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

async function echo(options: PreviewOptions = {}, path = "/echo"): Promise<Echo> {
  const text = await readText(await client.preview(sessionId, path, options));
  const { headers, ...rest } = JSON.parse(text);
  return { ...rest, headers: Object.fromEntries(headers) };
}

describe("requests", () => {
  test("path and query arrive as they were sent", async () => {
    const path = "/a%20b/%2F/ü/../c?x=1&x=%26&y".replace("ü", "%C3%BC").replace("/../", "/");
    const response = await client.preview(sessionId, path);
    expect(response.statusCode).toBe(200);
    expect(await readText(response)).toBe(`root ${path}`);
  });

  test.each(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])("%s goes through", async (method) => {
    const body = method === "GET" ? {} : { body: "payload" };
    expect(await echo({ method, ...body })).toMatchObject({ method, body: method === "GET" ? "" : "payload" });
  });

  test("the program sees the public host, and by which scheme it was asked", async () => {
    const { headers, url } = await echo();
    const host = `${sessionId.replace("_", "-")}.${client.domain}`;
    expect(headers["host"]).toBe(host);
    expect(new URL(url).host).toBe(host);
    expect(headers["x-forwarded-host"]).toBe(host);
    expect(headers["x-forwarded-proto"]).toMatch(/^https?$/);
  });

  test("what a client says about itself does not pass as the platform's word, nor does anything inner leak", async () => {
    const { headers } = await echo({
      headers: { "x-buntime-host": "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-for": "6.6.6.6" },
    });
    expect(headers["x-forwarded-host"]).not.toBe("evil.example");
    expect(headers["x-forwarded-for"] ?? "").not.toContain("6.6.6.6");
    expect(Object.keys(headers).filter((name) => name.startsWith("x-buntime"))).toEqual([]);
    expect(JSON.stringify(headers)).not.toContain(client.apiKey);
  });

  test("no key is needed, and the program's own authorization arrives", async () => {
    expect((await echo({ headers: { authorization: "Basic dTpw" } })).headers["authorization"]).toBe("Basic dTpw");
  });

  test("headers and cookies of the client arrive, those of the program go back, each on its own", async () => {
    const { headers } = await echo({ headers: { cookie: "k=v; l=w", "x-custom": "yes", accept: "text/weird" } });
    expect(headers).toMatchObject({ cookie: "k=v; l=w", "x-custom": "yes", accept: "text/weird" });
    const response = await client.preview(sessionId, "/cookies");
    response.resume();
    expect(response.headers["set-cookie"]).toEqual(["a=1; Path=/", "b=2"]);
  });

  test.each([200, 201, 204, 304, 404, 418, 500, 503])("status %i is the program's own", async (status) => {
    const response = await client.preview(sessionId, `/status/${status}`);
    expect(response.statusCode).toBe(status);
    expect(await readText(response)).toBe([204, 304].includes(status) ? "" : "said");
  });

  test("a redirect is handed on, not followed", async () => {
    const response = await client.preview(sessionId, "/redirect");
    response.resume();
    expect([response.statusCode, response.headers.location]).toEqual([307, "/elsewhere?x=1"]);
  });

  test("HEAD has the headers and no body", async () => {
    const response = await client.preview(sessionId, "/file", { method: "HEAD" });
    expect([response.statusCode, response.headers["content-length"], await readText(response)]).toEqual([
      200,
      "10",
      "",
    ]);
  });

  test("Range is the program's to answer", async () => {
    const response = await client.preview(sessionId, "/file", { headers: { range: "bytes=2-4" } });
    expect([response.statusCode, response.headers["content-range"], await readText(response)]).toEqual([
      206,
      "bytes 2-4/10",
      "234",
    ]);
  });

  test("a compressed body arrives as it was sent", async () => {
    const response = await client.preview(sessionId, "/gzip", { headers: { "accept-encoding": "gzip" } });
    expect(response.headers["content-encoding"]).toBe("gzip");
    const parts: Buffer[] = [];
    for await (const part of response) parts.push(Buffer.from(part));
    expect(gunzipSync(Buffer.concat(parts)).toString()).toBe("squeezed");
  });
});

describe("streams", () => {
  test("down: the first bytes arrive while the program still writes", async () => {
    const response = await client.preview(sessionId, "/drip");
    const parts = response.setEncoding("utf8")[Symbol.asyncIterator]();
    expect((await parts.next()).value).toBe("first\n");
    await client.execute({ sessionId, command: "touch go" });
    expect((await parts.next()).value).toBe("second\n");
    expect((await parts.next()).done).toBe(true);
  });

  test("up: the program reads the first bytes while the client still sends", async () => {
    const body = new Readable({ read: () => undefined });
    body.push("one ");
    const response = await client.preview(sessionId, "/parrot", { method: "POST", body });
    const parts = response.setEncoding("utf8")[Symbol.asyncIterator]();
    expect((await parts.next()).value).toBe("one ");
    body.push("two");
    body.push(null);
    expect((await parts.next()).value).toBe("two");
  });

  test("100 MB go up and down whole", async () => {
    const chunk = Buffer.alloc(1024 * 1024);
    const upload = Readable.from(
      (function* () {
        for (let i = 0; i < 100; i++) yield chunk;
      })(),
    );
    const counted = await client.preview(sessionId, "/count", { method: "POST", body: upload });
    expect(await readText(counted)).toBe(String(100 * 1024 * 1024));

    let bytes = 0;
    for await (const part of await client.preview(sessionId, "/large")) bytes += part.length;
    expect(bytes).toBe(100 * 1024 * 1024);
  });

  test("a client that goes away in the middle of a body harms nobody", async () => {
    for (let round = 0; round < 5; round++) {
      const response = await client.preview(sessionId, "/large");
      await once(response, "readable");
      response.destroy();
    }
    expect(await readText(await client.preview(sessionId, "/still-here"))).toBe("root /still-here");
  });

  test("50 requests at once all get their own answer", async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => readText(await client.preview(sessionId, `/n${index}`))),
    );
    expect(answers).toEqual(answers.map((_, index) => `root /n${index}`));
  });
});

describe("which port", () => {
  test("any port has a preview of its own", async () => {
    const { id } = await newSession(client);
    await client.execute({
      sessionId: id,
      code: "for (const port of [3000, 5173, 65535]) Bun.serve({ port, fetch: () => new Response('port ' + port) })",
    });
    for (const port of [3000, 5173, 65_535]) {
      expect(await readText(await client.preview(id, "/", { port }))).toBe(`port ${port}`);
    }
  });

  // Docker gives its containers no IPv6.
  test.each(ON_DOCKER ? ["127.0.0.1"] : ["127.0.0.1", "::1"])(
    "a server bound to %s alone is reached as well",
    async (hostname) => {
      const { id } = await newSession(client);
      const code = `Bun.serve({ port: 8080, hostname: "${hostname}", fetch: () => new Response("reached") })`;
      await client.execute({ sessionId: id, code });
      expect(await readText(await client.preview(id, "/"))).toBe("reached");
    },
  );

  test("two sessions have a port 8080 each", async () => {
    const [one, two] = await Promise.all([newSession(client), newSession(client)]);
    await Promise.all(
      [one, two].map(({ id }) =>
        client.execute({ sessionId: id, code: `Bun.serve({ port: 8080, fetch: () => new Response("${id}") })` }),
      ),
    );
    expect(await readText(await client.preview(one.id, "/"))).toBe(one.id);
    expect(await readText(await client.preview(two.id, "/"))).toBe(two.id);
  });

  test("both spellings of the id, in any case and with a trailing dot, are the session's host", async () => {
    const dashed = sessionId.replace("_", "-");
    for (const label of [dashed, sessionId, dashed.toUpperCase(), `${dashed}-8080`]) {
      const response = await raw(`${label}.${client.domain}`);
      expect([label, response.statusCode]).toEqual([label, 200]);
    }
    const [name = "", port] = client.domain.split(":");
    expect((await raw(`${dashed}.${name}.${port === undefined ? "" : `:${port}`}`)).statusCode).toBe(200);
  });

  test("the supervisor's port has no preview, and a port that is none is a 4xx", async () => {
    for (const port of ["9797", "0", "65536", "99999999", "x", "-1", "1e3"]) {
      const response = await raw(`${sessionId.replace("_", "-")}-${port}.${client.domain}`, "/health");
      expect([port, Math.floor((response.statusCode ?? 0) / 100)]).toEqual([port, 4]);
    }
  });
});

describe("nothing there", () => {
  test("nothing listening is 502 preview_unavailable as JSON", async () => {
    const { id } = await newSession(client);
    await client.execute({ sessionId: id, command: "true" });
    const response = await client.preview(id, "/");
    expect(response.statusCode).toBe(502);
    expect(JSON.parse(await readText(response)).error).toMatchObject({ code: "preview_unavailable" });
  });

  test("for a browser it is a page that says how to start a server on that port", async () => {
    const { id } = await newSession(client);
    const response = await client.preview(id, "/", { port: 3000, headers: { accept: "text/html,*/*;q=0.8" } });
    expect([response.statusCode, response.headers["content-type"]?.split(";")[0]]).toEqual([502, "text/html"]);
    const page = await readText(response);
    expect(page).toContain("3000");
    expect(page).toContain("Bun.serve");
  });

  test("a session that has run nothing yet is woken and says that nothing listens", async () => {
    const { id } = await newSession(client);
    expect((await client.preview(id, "/")).statusCode).toBe(502);
  });

  test("a server that was ended is a 502, and the next one on its port is a 200", async () => {
    const { id } = await newSession(client);
    const code = "Bun.serve({ port: 8080, fetch: () => new Response('one') })";
    await client.execute({ sessionId: id, code });
    expect(await readText(await client.preview(id, "/"))).toBe("one");
    await client.request("POST", "/execution/kill", { json: { sessionId: id } });
    expect((await client.preview(id, "/")).statusCode).toBe(502);
    await client.execute({ sessionId: id, code: code.replace("one", "two") });
    expect(await readText(await client.preview(id, "/"))).toBe("two");
  });

  test("a server that hangs up without an answer is a 502, not a hang", async () => {
    const { id } = await newSession(client);
    const code = `import { createServer } from "node:net"; createServer((socket) => socket.once("data", () => socket.destroy())).listen(8080);`;
    await client.execute({ sessionId: id, code });
    expect((await client.preview(id, "/")).statusCode).toBe(502);
  });

  test("an unknown session is a 404, and so is a deleted one", async () => {
    const unknown = await client.preview("ses_00000000000000000000", "/");
    expect(unknown.statusCode).toBe(404);
    expect(JSON.parse(await readText(unknown)).error.code).toBe("session_not_found");
    const { id } = await client.createSession();
    await client.request("DELETE", `/sessions/${id}`);
    expect((await client.preview(id, "/")).statusCode).toBe(404);
  });
});

async function raw(host: string, path = "/"): Promise<IncomingMessage> {
  const request = httpRequest({ host: client.url.hostname, port: client.url.port, path, headers: { host } }).end();
  const [response] = await once(request, "response");
  response.resume();
  return response;
}
