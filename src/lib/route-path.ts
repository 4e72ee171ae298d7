// Path templates of the route table: `{name}` is one segment, `{path}` at the end is the rest with its slashes. Values are
// taken from the raw path and decoded once. URL parsers resolve `..`; one that hides behind `%2F` is refused, so that
// it cannot resolve later, in a URL that we build.
import { fail, ok } from "./result.ts";
import type { Result } from "./result.ts";

/** The template in Hono's words. */
export function honoPath(template: string): string {
  return template.replace("{path}", ":path{.+}").replaceAll(/\{(\w+)\}/g, ":$1");
}

/** Reads the values of a template's parameters out of a path that it matches. */
export function pathReader(template: string): (path: string) => Result<Record<string, string>> {
  const names = [...template.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
  const pattern = new RegExp(`^${template.replace("{path}", "(.+)").replaceAll(/\{\w+\}/g, "([^/]+)")}$`);
  return (path) => {
    const raw = pattern.exec(path)?.slice(1) ?? [];
    const values: [string, string][] = [];
    for (const [index, name] of names.entries()) {
      const value = decode(raw[index] ?? "");
      if (value === null) {
        return fail("invalid_request", `The path has malformed percent-encoding in its \`${name}\`.`);
      }
      if (name === "path" && value.split("/").includes("..")) {
        return fail("invalid_request", "The path must not contain `..`. Give it as it is after resolving.");
      }
      values.push([name, value]);
    }
    return ok(Object.fromEntries(values));
  };
}

/** A workspace path for a URL of ours. */
export function encodePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
