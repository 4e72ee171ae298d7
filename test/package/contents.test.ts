import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { build } from "esbuild";
import { publint } from "publint";
import { describe, expect, inject, test } from "vitest";
import { parts, ROOT, workerdPath } from "../../src/local/repository.ts";

const tarball = inject("tarball");
const installed = path.join(inject("bare"), "node_modules/buntime");
const names = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" }).trim().split("\n");
const files = names.map((name) => name.replace(/^package\//, ""));
const manifest = JSON.parse(readFileSync(path.join(installed, "package.json"), "utf8"));

function leaves(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(leaves) : [];
}

describe("the package", () => {
  test("exports the client library, the test double, and nothing else", () => {
    expect(Object.keys(manifest.exports)).toEqual([
      ".",
      "./sdk",
      "./memory",
      "./persist",
      "./testing",
      "./package.json",
    ]);
    expect(manifest.bin).toEqual({ buntime: "dist/cli/main.js" });
  });

  test("has every file that its exports and its command name", () => {
    const named = [...leaves(manifest.exports), ...leaves(manifest.bin)];
    expect(named.filter((file) => !existsSync(path.join(installed, file)))).toEqual([]);
  });

  test("brings no other package with it", () => {
    expect(manifest.dependencies ?? {}).toEqual({});
    expect(manifest.optionalDependencies ?? {}).toEqual({});
    const lock = JSON.parse(readFileSync(path.join(inject("bare"), "package-lock.json"), "utf8"));
    expect(Object.keys(lock.packages)).toEqual(["", "node_modules/buntime"]);
  });

  test("asks for the peers that it is tested with, and does without them", () => {
    const versionOf = (name: string): string =>
      JSON.parse(readFileSync(path.join(ROOT, "node_modules", name, "package.json"), "utf8")).version;
    expect(manifest.peerDependencies).toEqual({ bun: `^${versionOf("bun")}`, miniflare: versionOf("miniflare") });
    expect(Object.values(manifest.peerDependenciesMeta)).toEqual([{ optional: true }, { optional: true }]);
    expect(parts.miniflare().workerd).toBe(workerdPath());
  });

  test("consists of what is built, the license and the readme", () => {
    const beside = files.filter((file) => !file.startsWith("dist/"));
    expect(beside.toSorted()).toEqual(["LICENSE", "README.md", "package.json"]);
    expect(new Set(files.flatMap((file) => /^dist\/([^/]+)/.exec(file)?.[1] ?? []))).toEqual(
      new Set(["cli", "platform", "sdk", "testing", "third-party-licenses.txt"]),
    );
  });

  test("has no tests, no source, no secrets and no path of the machine that it was made on", () => {
    const source = files.filter((file) =>
      /\.test\.|(?<!\.d)\.tsx?$|(^|\/)\.env|(^|\/)api-key$|\.pem$|\.map$|tsconfig/.test(file),
    );
    // User code is run with these as they are.
    const kernel = "dist/platform/supervisor/kernels/javascript.ts";
    expect(source.toSorted()).toEqual([kernel, "dist/platform/supervisor/preload.ts"]);
    const forbidden = [ROOT, homedir(), `/home/${userInfo().username}`, "sourceMappingURL=data:", "BEGIN PRIVATE KEY"];
    const told = files.flatMap((file) => {
      const text = readFileSync(path.join(installed, file), "latin1");
      return forbidden.filter((word) => word.length > 1 && containsPath(text, word)).map((word) => `${file}: ${word}`);
    });
    expect(told).toEqual([]);
  });

  test("passes on the terms of everything that is bundled into it", () => {
    const text = readFileSync(path.join(installed, "dist/third-party-licenses.txt"), "utf8");
    for (const name of ["hono", "zod", "zod-openapi", "commander", "@scalar/api-reference"])
      expect(text).toMatch(new RegExp(`^${name} \\d`, "m"));
  });

  test("has a client library of at most 10 KB, compressed", () => {
    const library = readFileSync(path.join(installed, "dist/sdk/index.js"));
    expect(gzipSync(library).length).toBeLessThanOrEqual(10 * 1024);
    expect(library.toString()).not.toMatch(/\bfrom\s*"|\brequire\(|\bimport\(/);
  });

  test("gives a bundler one driver for agents' sessions without the others", async () => {
    const { outputFiles } = await build({
      stdin: { contents: `export { PostgresSessionPersistDriver } from "buntime/persist"`, resolveDir: inject("bare") },
      bundle: true,
      minify: true,
      format: "esm",
      write: false,
    });
    const bundle = outputFiles[0]?.contents ?? new Uint8Array();
    expect(gzipSync(bundle).length).toBeLessThanOrEqual(3 * 1024);
    expect(Buffer.from(bundle).toString()).not.toMatch(/indexedDB|sqlite_master|authorization/);
  });

  test("is laid out as npm's tools expect", async () => {
    const { messages } = await publint({ pkgDir: installed, strict: true });
    expect(messages).toEqual([]);
  });

  test("has types that every way of resolving modules finds, but for those of old that know no exports", async () => {
    const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(tarball))));
    const problems = analysis.types === false ? ["it has no types"] : analysis.problems;
    // It is made of ES modules alone, which is a warning to those who would `require` it.
    const expected = (problem: object): boolean =>
      "kind" in problem &&
      (problem.kind === "CJSResolvesToESM" ||
        (problem.kind === "NoResolution" && "resolutionKind" in problem && problem.resolutionKind === "node10"));
    expect(problems.filter((problem) => typeof problem === "string" || !expected(problem))).toEqual([]);
  });
});

/** A home such as `/root` is a part of many a word. */
function containsPath(text: string, place: string): boolean {
  return place.includes("/") ? text.includes(`${place}/`) : text.includes(place);
}
