import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CONTROL_PORT } from "../../src/contract/ids.ts";
import { doorOf } from "../../src/http/host.ts";

const DOMAIN = "buntime.example";
const REST = "0123456789abcdefghij";
const ID = `ses_${REST}`;
const rest = fc.string({
  unit: fc.constantFrom(...Array.from("0123456789abcdefghijklmnopqrstuvwxyz")),
  minLength: 20,
  maxLength: 20,
});
const path = fc.webPath().map((text) => `/${text.replace(/^\/+/, "")}`);

describe("the API", () => {
  it("is at /api on the main host, on any other host, and without the prefix on api.", () => {
    expect(doorOf(DOMAIN, "/api/execute", DOMAIN)).toEqual({ kind: "api", path: "/execute" });
    expect(doorOf("buntime.workers.dev", "/api", DOMAIN)).toEqual({ kind: "api", path: "/" });
    expect(doorOf("127.0.0.1:8787", "/api/", DOMAIN)).toEqual({ kind: "api", path: "/" });
    expect(doorOf("[::1]:8787", "/api/execute", DOMAIN)).toEqual({ kind: "api", path: "/execute" });
    expect(doorOf(`api.${DOMAIN}`, "/execute", DOMAIN)).toEqual({ kind: "api", path: "/execute" });
    expect(doorOf(`api.${DOMAIN}`, "/mcp", DOMAIN)).toEqual({ kind: "main", path: "/mcp" });
  });

  it("is not at a path that only begins alike", () => {
    expect(doorOf(DOMAIN, "/apis", DOMAIN)).toEqual({ kind: "main", path: "/apis" });
  });
});

describe("Agentbase's API", () => {
  it("is at /agentbase on the main host and on any other, and nowhere else", () => {
    expect(doorOf(DOMAIN, "/agentbase", DOMAIN)).toEqual({ kind: "agentbase", path: "/" });
    expect(doorOf(DOMAIN, "/agentbase/", DOMAIN)).toEqual({ kind: "agentbase", path: "/" });
    expect(doorOf("127.0.0.1:8787", "/agentbase/get-messages", DOMAIN)).toEqual({
      kind: "agentbase",
      path: "/get-messages",
    });
    expect(doorOf(DOMAIN, "/agentbases", DOMAIN)).toEqual({ kind: "main", path: "/agentbases" });
    expect(doorOf(`ses-${REST}.${DOMAIN}`, "/agentbase/get-messages", DOMAIN).kind).toBe("preview");
  });
});

describe("ERA's API", () => {
  it("is at /era on the main host and on any other, and nowhere else", () => {
    expect(doorOf(DOMAIN, "/era", DOMAIN)).toEqual({ kind: "era", path: "/" });
    expect(doorOf("127.0.0.1:8787", "/era/api/sessions", DOMAIN)).toEqual({ kind: "era", path: "/api/sessions" });
    expect(doorOf(DOMAIN, "/eras", DOMAIN)).toEqual({ kind: "main", path: "/eras" });
    expect(doorOf(`ses-${REST}.${DOMAIN}`, "/era/api/sessions", DOMAIN).kind).toBe("preview");
  });
});

describe("a preview", () => {
  it("is at the session's host, on port 8080 or the port that is named, whatever the path", () => {
    fc.assert(
      fc.property(
        rest,
        fc.constantFrom("-", "_"),
        fc.option(fc.integer({ min: 1, max: 65_535 })),
        path,
        (id, dash, port, to) => {
          fc.pre(port !== CONTROL_PORT);
          const label = `ses${dash}${id}${port === null ? "" : `-${port}`}`;
          expect(doorOf(`${label}.${DOMAIN}`, to, DOMAIN)).toEqual({
            kind: "preview",
            sessionId: `ses_${id}`,
            port: port ?? 8080,
          });
        },
      ),
    );
  });

  it("keeps /api for the user's own server", () => {
    expect(doorOf(`ses-${REST}.${DOMAIN}`, "/api/execute", DOMAIN).kind).toBe("preview");
  });

  it("is found whatever the case, with a trailing dot, and with any port in host or domain", () => {
    for (const host of [
      `SES-${REST.toUpperCase()}.Buntime.Example`,
      `ses-${REST}.${DOMAIN}.`,
      `ses-${REST}.${DOMAIN}:9999`,
    ]) {
      expect(doorOf(host, "/", DOMAIN)).toEqual({ kind: "preview", sessionId: ID, port: 8080 });
      expect(doorOf(host, "/", `${DOMAIN}:8787`)).toEqual({ kind: "preview", sessionId: ID, port: 8080 });
    }
  });

  it("never reaches the supervisor's port, nor one that does not exist", () => {
    for (const port of [String(CONTROL_PORT), `0${CONTROL_PORT}`, "0", "65536", "99999"]) {
      expect(doorOf(`ses-${REST}-${port}.${DOMAIN}`, "/", DOMAIN)).toMatchObject({
        kind: "refused",
        problem: { code: "not_found" },
      });
    }
  });
});

describe("a host that only resembles one of ours", () => {
  it("is refused", () => {
    const hosts = [
      "ses-x.evil",
      `ses-${REST}.evil.example`,
      `ses_${REST}.${DOMAIN}.evil.example`,
      `ses-${REST}`,
      `ses-.${DOMAIN}`,
      `ses-${REST}x.${DOMAIN}`,
      `ses-${REST}-.${DOMAIN}`,
      `ses-${REST}-80-80.${DOMAIN}`,
      `a.ses-${REST}.${DOMAIN}`,
      `www.${DOMAIN}`,
      `.${DOMAIN}`,
      `api.api.${DOMAIN}`,
    ];
    for (const host of hosts) {
      expect(doorOf(host, "/api/execute", DOMAIN), host).toMatchObject({ kind: "refused" });
    }
  });

  it("never throws and never opens a preview without a whole session id", () => {
    fc.assert(
      fc.property(fc.string(), path, (label, to) => {
        const door = doorOf(`${label}.${DOMAIN}`, to, DOMAIN);
        if (door.kind === "preview") {
          expect(label.toLowerCase()).toMatch(/^ses[-_][0-9a-z]{20}(-\d+)?$/);
        }
      }),
    );
  });
});
