// What a browser has to load before it shows the console.
import { readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { buildAssets } from "../../src/local/assets.ts";
import { ROOT } from "../../src/local/repository.ts";

const BUILT = path.join(ROOT, "build/assets/console");
const FIRST_LOAD_BYTES = 60 * 1024;

/** The script of the page with all that it imports at once. */
function firstScripts(): readonly string[] {
  const html = readFileSync(path.join(BUILT, "index.html"), "utf8");
  const files = new Set(
    [...html.matchAll(/(?:src|href)="\/console\/(assets\/[^"]+\.js)"/g)].map((match) => match[1] ?? ""),
  );
  for (const file of files) {
    const text = readFileSync(path.join(BUILT, file), "utf8");
    for (const [, name] of text.matchAll(/(?:^|[;}])(?:import|export)[^;("']*["']\.\/([^"']+\.js)["']/g))
      files.add(`assets/${name}`);
  }
  return [...files];
}

describe("the console's first load", () => {
  beforeAll(() => buildAssets(ROOT), 120_000);

  it("is at most 60 KB of script, as it goes over the wire", () => {
    const files = firstScripts();
    expect(files.length).toBeGreaterThan(0);
    const bytes = files.reduce((sum, file) => sum + gzipSync(readFileSync(path.join(BUILT, file))).length, 0);
    expect(bytes).toBeLessThanOrEqual(FIRST_LOAD_BYTES);
  });

  it("has nothing inline in its page, which the policy would forbid", () => {
    const html = readFileSync(path.join(BUILT, "index.html"), "utf8");
    expect(html).not.toMatch(/<style|style=|\son\w+=|<script(?![^>]*\ssrc=)/);
  });
});
