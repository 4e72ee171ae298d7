// What code is written in, where JavaScript, TypeScript and JSX cannot be told apart by a name: whatever parses it.

const transpilers = {
  js: new Bun.Transpiler({ loader: "js" }),
  ts: new Bun.Transpiler({ loader: "ts" }),
  tsx: new Bun.Transpiler({ loader: "tsx" }),
};

export function parses(code: string, loader: keyof typeof transpilers): boolean {
  try {
    transpilers[loader].transformSync(code);
    return true;
  } catch {
    return false;
  }
}

/** `tsx` only where the code needs it: in a .tsx file `<T>value` and `<T>() => …` do not parse. */
export function extensionWithJsx(code: string): "ts" | "tsx" {
  if (!/<\/|\/>/.test(code)) return "ts";
  return parses(code, "ts") || !parses(code, "tsx") ? "ts" : "tsx";
}

/** `ts` only where the code needs it: of a .js file a program need not take away the types, and not know how to. */
export function extensionWithoutJsx(code: string): "js" | "ts" {
  return parses(code, "js") || !parses(code, "ts") ? "js" : "ts";
}
