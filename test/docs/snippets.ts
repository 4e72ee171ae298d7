// The code that documents show. A fence of `ts`, `js`, `bash` or `sh` is run; `no-run` behind that says that it cannot be,
// `registry` that it needs one of packages.
// A fence of `text output` is what the one before it prints.
import { readFileSync } from "node:fs";
import path from "node:path";
import { ROOT } from "../../src/local/repository.ts";

export interface Snippet {
  readonly language: "ts" | "bash";
  readonly runs: boolean;
  readonly needsRegistry: boolean;
  readonly text: string;
  /** Where its fence begins, from 1. */
  readonly line: number;
  /** Lines that its output has, in this order. */
  readonly output: readonly string[];
}

const FENCE = /^( *)```([^\n]*)\n([\s\S]*?)^\1```$/gm;
const LANGUAGES: Readonly<Record<string, Snippet["language"]>> = { ts: "ts", js: "ts", bash: "bash", sh: "bash" };

/** @param file relative to the repository */
export function snippetsOf(file: string): Snippet[] {
  const document = readFileSync(path.join(ROOT, file), "utf8");
  const found: Snippet[] = [];
  for (const { 2: info = "", 3: text = "", index } of document.matchAll(FENCE)) {
    const [name = "", ...marks] = info.trim().split(/\s+/);
    const language = LANGUAGES[name];
    const last = found.at(-1);
    if (language !== undefined) {
      const line = document.slice(0, index).split("\n").length;
      found.push({
        language,
        runs: !marks.includes("no-run"),
        needsRegistry: marks.includes("registry"),
        text,
        line,
        output: [],
      });
    } else if (name === "text" && marks.includes("output") && last !== undefined) {
      found[found.length - 1] = { ...last, output: [...last.output, ...text.trimEnd().split("\n")] };
    }
  }
  return found;
}
