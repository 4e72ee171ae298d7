import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { consoleFile, consolePolicy, isConsole } from "../../src/http/console.ts";

const PAGE = "/console/index.html";

describe("below /console", () => {
  it("is everything whose first name is console, and nothing that only begins so", () => {
    expect(["/console", "/console/", "/console/sessions/x"].map(isConsole)).toEqual([true, true, true]);
    expect(["/", "/consoles", "/console.js", "/api/console", "/Console"].some(isConsole)).toBe(false);
  });

  it("an address of the console's own is its page, to be asked for each time", () => {
    for (const path of [
      "/",
      "/sessions",
      "/sessions/ses_1/files",
      "/sessions/a%20b",
      "/account/usage",
      "/x//y",
      "/.env",
    ]) {
      expect(consoleFile(`/console${path}`)).toEqual({ file: PAGE, cacheControl: "no-cache" });
    }
  });

  it("a file is itself, kept for ever where its name says what is in it", () => {
    expect(consoleFile("/console/robots.txt")).toEqual({ file: "/console/robots.txt", cacheControl: "no-cache" });
    const { file, cacheControl } = consoleFile("/console/assets/index-DMbKG4IA.js");
    expect([file, cacheControl]).toEqual(["/console/assets/index-DMbKG4IA.js", "public, max-age=31536000, immutable"]);
  });

  it("nothing leads out of it, whatever is asked for", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("..", "%2e%2E", ".", "", "assets", "a.js", "%2f", "\\", "x")), (names) => {
        const { pathname } = new URL(`https://h/console/${names.join("/")}`);
        expect(!isConsole(pathname) || consoleFile(pathname).file.startsWith("/console/")).toBe(true);
      }),
    );
  });
});

describe("the console's policy", () => {
  const of = (address: string, previews: string): string[] => consolePolicy(new URL(address), previews).split("; ");

  it("lets the page speak to its own host alone, over TLS where there is, and frame nothing but previews", () => {
    expect(of("https://buntime.example.com/console/", "https://*.buntime.example.com")).toEqual(
      expect.arrayContaining([
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self' wss://buntime.example.com",
        "frame-src https://*.buntime.example.com",
        "frame-ancestors 'none'",
      ]),
    );
    expect(of("http://127.0.0.1:9000/console/", "http://*.localhost:9000")).toEqual(
      expect.arrayContaining(["connect-src 'self' ws://127.0.0.1:9000", "frame-src http://*.localhost:9000"]),
    );
  });

  it("allows nothing inline and nothing evaluated, and a Host header adds nothing to it", () => {
    const plain = of("https://h/", "h");
    expect(plain.join()).not.toContain("unsafe");
    fc.assert(
      fc.property(fc.string(), (text) => {
        const url = URL.parse(`https://h;${text}/`) ?? new URL("https://h;script-src/");
        const names = of(url.href, "h").map((directive) => directive.split(" ")[0]);
        expect(names).toEqual(plain.map((directive) => directive.split(" ")[0]));
      }),
    );
  });
});
