// The console as the Worker serves it: the files of its build, under a policy that lets nothing else in.
import { describe, expect, it } from "vitest";
import { createSession, expectProblem, previewUrl, visit } from "./client.ts";

const ORIGIN = "http://localhost:8787";

describe("the console", () => {
  it("is at /console/, and at every address of its own, never kept without asking", async () => {
    const bare = await visit(`${ORIGIN}/console?from=here`);
    expect([bare.status, bare.headers.get("location")]).toEqual([308, "/console/?from=here"]);
    const page = await visit(`${ORIGIN}/console/`);
    const html = await page.text();
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(html).toContain("<title>buntime console</title>");
    for (const path of ["/console/sessions/my-agent/files", "/console/account/usage", "/console/nowhere/at/all"]) {
      const same = await visit(ORIGIN + path);
      expect([same.status, same.headers.get("cache-control"), await same.text()]).toEqual([200, "no-cache", html]);
    }
    const etag = page.headers.get("etag") ?? "";
    const again = await visit(`${ORIGIN}/console/`, { headers: { "if-none-match": etag } });
    expect(again.status).toBe(304);
    const head = await visit(`${ORIGIN}/console/`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  it("loads nothing but files of this host, which are kept for ever", async () => {
    const html = await (await visit(`${ORIGIN}/console/`)).text();
    const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? "");
    expect(links.length).toBeGreaterThan(1);
    expect(html).not.toMatch(/<style|<script(?![^>]*\ssrc=)|\sstyle=|\son\w+=/);
    for (const link of links) {
      expect(link).toMatch(/^\/console\/assets\/[\w.-]+$/);
      const file = await visit(ORIGIN + link);
      expect([link, file.status]).toEqual([link, 200]);
      expect(file.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      expect(file.headers.get("content-type")).toMatch(/javascript|css|svg/);
      await file.body?.cancel();
    }
  });

  it("is given out under a strict policy, page and files alike", async () => {
    const response = await visit(`${ORIGIN}/console/sessions`);
    const { headers } = response;
    expect(headers.get("content-security-policy")).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data: blob:; " +
        "connect-src 'self' ws://localhost:8787; frame-src http://*.localhost:8787; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
    expect(headers.get("x-request-id")).toMatch(/^req_/);
    await response.body?.cancel();
  });

  it("has nothing at a file's address that it does not hold, and takes nothing", async () => {
    for (const path of ["assets/index-00000000.js", "missing.txt", "assets/", "assets/..%2f..%2fdocs/index.html"]) {
      await expectProblem(await visit(`${ORIGIN}/console/${path}`), "not_found");
    }
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      await expectProblem(await visit(`${ORIGIN}/console/`, { method }), "method_not_allowed");
    }
  });

  it("is not what a preview shows under the same path", async () => {
    const { id } = await createSession();
    await expectProblem(await visit(previewUrl(id, "/console/")), "preview_unavailable");
  });
});
