// The documents: what they show runs, and what they refer to is there.
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { ROOT } from "../../src/local/repository.ts";
import { startModelServer } from "./model-server.ts";
import { folder, needRegistry, platform, project, run } from "./reader.ts";
import { snippetsOf } from "./snippets.ts";
import type { Snippet } from "./snippets.ts";

const DOCUMENTS = ["README.md", ...globSync("docs/*.md", { cwd: ROOT }).toSorted()];

/** Snippets one behind the other, each at its own line, so that what goes wrong is told with the document's line. */
function script(snippets: readonly Snippet[]): string {
  let text = "";
  let at = 1;
  for (const snippet of snippets) {
    text += "\n".repeat(snippet.line + 1 - at) + snippet.text;
    at = snippet.line + 1 + snippet.text.split("\n").length - 1;
  }
  // What a reader puts in place of what the document cannot know.
  return text.replaceAll("localhost:8787", platform.domain).replaceAll("btk_…", platform.apiKey);
}

const nameOf = (document: string): string => path.basename(document, ".md");

async function showsWhatItPrints(command: readonly string[], snippets: readonly Snippet[], cwd: string): Promise<void> {
  const model = await startModelServer("console.log(6 * 7)");
  onTestFinished(() => model.close());
  const env = { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "key", ANTHROPIC_MODEL: "scripted" };
  const { code, stdout, stderr } = await run(command, { cwd, env });
  expect(code, `${command.join(" ")}:\n${stdout}\n${stderr}`).toBe(0);
  const printed = stdout.split("\n");
  for (const { output, line } of snippets) {
    for (const expected of output) {
      const at = printed.indexOf(expected);
      expect(at, `${JSON.stringify(expected)} of line ${line} in:\n${stdout}`).not.toBe(-1);
      printed.splice(0, at + 1);
    }
  }
}

describe("what a document shows works", () => {
  for (const document of DOCUMENTS) {
    const snippets = snippetsOf(document).filter(({ runs }) => runs);
    if (snippets.length === 0) continue;
    test(document, async (context) => {
      if (snippets.some(({ needsRegistry }) => needsRegistry)) await needRegistry(context);
      const cwd = folder();
      for (const language of ["bash", "ts"] as const) {
        const own = snippets.filter((snippet) => snippet.language === language);
        if (own.length === 0) continue;
        const file = path.join(cwd, `${nameOf(document)}.${language}`);
        writeFileSync(file, script(own));
        await showsWhatItPrints(language === "bash" ? ["bash", "-euo", "pipefail", file] : ["node", file], own, cwd);
      }
    });
  }
});

test("TypeScript in the documents compiles, strictly", async () => {
  const target = path.join(project, "snippets");
  mkdirSync(target, { recursive: true });
  for (const document of DOCUMENTS) {
    const snippets = snippetsOf(document).filter(({ language }) => language === "ts");
    const [running, others] = [snippets.filter(({ runs }) => runs), snippets.filter(({ runs }) => !runs)];
    if (running.length > 0) writeFileSync(path.join(target, `${nameOf(document)}.ts`), script(running));
    for (const other of others) {
      writeFileSync(path.join(target, `${nameOf(document)}-${other.line}.ts`), script([other]));
    }
  }
  const tsc = path.join(ROOT, "node_modules/.bin/tsc");
  expect(await run([tsc, "--noEmit", "-p", project], { cwd: project })).toMatchObject({ stdout: "", code: 0 });
});

/** As the hosts of repositories make them. */
const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(/\s/g, "-");

function anchorsOf(file: string): string[] {
  const text = readFileSync(file, "utf8").replaceAll(/^```[\s\S]*?^```/gm, "");
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading));
}

describe("what a document refers to is there", () => {
  for (const document of [...DOCUMENTS, "CONTRIBUTING.md"]) {
    test(document, () => {
      const text = readFileSync(path.join(ROOT, document), "utf8").replaceAll(/^```[\s\S]*?^```/gm, "");
      const broken: string[] = [];
      for (const [, link = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(link)) continue;
        const [place = "", anchor] = link.split("#");
        const file = place === "" ? path.join(ROOT, document) : path.resolve(ROOT, path.dirname(document), place);
        if (!existsSync(file) || (anchor !== undefined && !anchorsOf(file).includes(anchor))) broken.push(link);
      }
      expect(broken).toEqual([]);
    });
  }
});

test("every document is in the table of contents", () => {
  const contents = readFileSync(path.join(ROOT, "docs/README.md"), "utf8");
  const missing = globSync("*.md", { cwd: path.join(ROOT, "docs") }).filter(
    (name) => name !== "README.md" && !contents.includes(`](${name})`),
  );
  expect(missing).toEqual([]);
});
