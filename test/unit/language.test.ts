import { describe, expect, it } from "vitest";
import { ExecuteRequest } from "../../src/contract/execute.ts";
import { imageFor, LANGUAGES, LanguageName } from "../../src/contract/language.ts";
import { startOptions } from "../../src/session/start-options.ts";
import { DEFAULT_RESOURCES } from "../../src/contract/limits.ts";

describe("a language's name", () => {
  it("stands for itself, and an alias for the name", () => {
    for (const language of LANGUAGES) expect(LanguageName.parse(language)).toBe(language);
    const aliases = ["js", "ts", "bun", "py", "nodejs", "golang"].map((alias) => LanguageName.parse(alias));
    expect(aliases).toEqual(["javascript", "typescript", "typescript", "python", "node", "go"]);
  });

  it("is no name that an object has by itself, and nothing else either", () => {
    for (const name of ["toString", "__proto__", "constructor", "Python", "", " python", null, 1]) {
      expect(LanguageName.safeParse(name).success).toBe(false);
    }
  });

  it("goes with code, never with a command", () => {
    expect(ExecuteRequest.parse({ code: "", language: "py" })).toMatchObject({ language: "python" });
    expect(ExecuteRequest.safeParse({ command: "true", language: "py" }).success).toBe(false);
    expect(ExecuteRequest.parse({ code: "" })).not.toHaveProperty("language");
  });
});

describe("an image", () => {
  it("is the small one for what Bun runs, and the large one for all else", () => {
    const large = LANGUAGES.filter((language) => imageFor(language) === "polyglot");
    expect(large).toEqual(["python", "node", "deno", "go"]);
  });

  const session = { image: "polyglot", resourceLimits: DEFAULT_RESOURCES, internet: true } as const;

  it("is what its session's container is started from", () => {
    const { image, instance, env } = startOptions("token", session, { bun: "registry/a", polyglot: "registry/b" });
    expect([image, instance, env["BUNTIME_IMAGE"]]).toEqual(["registry/b", "basic", "polyglot"]);
  });

  it("that the platform does not have is no reason to start another, unless it names none at all", () => {
    expect(() => startOptions("token", session, { bun: "registry/a" })).toThrow("no image polyglot");
    expect(startOptions("token", session, {})).not.toHaveProperty("image");
  });

  it("is started with the internet or without, whoever chooses it, and its supervisor knows", () => {
    for (const images of [{}, { polyglot: "registry/b" }]) {
      for (const internet of [true, false]) {
        const { enableInternet, env } = startOptions("token", { ...session, internet }, images);
        expect([enableInternet, env["BUNTIME_INTERNET"]]).toEqual([internet, internet ? "1" : "0"]);
      }
    }
  });
});
