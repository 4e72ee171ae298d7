// What a JUnit file says: how many tests passed, and which failed with what message.
import { readFileSync } from "node:fs";

export interface Results {
  readonly passed: number;
  /** Of each failed test: where it is, its title, and the beginning of its message. */
  readonly failures: readonly string[];
}

const MESSAGE_LINES = 12;

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&", "#10": "\n" };

function unescape(text: string): string {
  return text.replace(/&(#?\w+);/g, (whole, name: string) => ENTITIES[name] ?? whole);
}

function attribute(element: string, name: string): string {
  return unescape(new RegExp(`\\s${name}="([^"]*)"`).exec(element)?.[1] ?? "");
}

function describeFailure(testcase: string): string {
  const [, tag = "", body = ""] =
    /(<(?:failure|error)\b[^>]*>)([\s\S]*?)(?:<\/(?:failure|error)>|$)/.exec(testcase) ?? [];
  const message = [attribute(tag, "message"), unescape(body.replaceAll(/<!\[CDATA\[|\]\]>/g, ""))].join("\n").trim();
  const where = attribute(testcase, "classname") || attribute(testcase, "file");
  const lines = message.split("\n").slice(0, MESSAGE_LINES);
  return [`${where} > ${attribute(testcase, "name")}`, ...lines.map((line) => `    ${line}`)].join("\n");
}

/** Reads the `<testcase>` elements: the summary attributes mean different things to different runners. */
export function readJUnit(path: string): Results {
  let xml: string;
  try {
    xml = readFileSync(path, "utf8");
  } catch {
    return { passed: 0, failures: [] };
  }
  const cases = xml.match(/<testcase\b[^>]*?(?:\/>|>[\s\S]*?<\/testcase>)/g) ?? [];
  const failures = cases.filter((text) => /<(?:failure|error)\b/.test(text));
  const skipped = cases.filter((text) => /<skipped\b/.test(text));
  return { passed: cases.length - failures.length - skipped.length, failures: failures.map(describeFailure) };
}
