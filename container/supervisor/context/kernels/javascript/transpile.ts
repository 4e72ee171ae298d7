// Bun's transpiler in REPL mode, as TypeScript or TSX: in the latter `<T>value` and `<T>() => …` do not parse.
import { readFileSync } from "node:fs";

const MAY_BE_JSX = /<\/|\/>/;

type Loader = "ts" | "tsx";
const plain = { ts: make("ts"), tsx: make("tsx") };

/** @throws BuildMessage or AggregateError of them, about the code as it is */
export function transpile(code: string): string {
  const isJsx = MAY_BE_JSX.test(code);
  const ways: (() => string)[] = isJsx
    ? [() => withSettings().transformSync(code), () => plain.ts.transformSync(code)]
    : [() => plain.ts.transformSync(code)];
  // It takes what begins with a brace for an object. With an empty statement behind, it is a block.
  if (/^\s*\{/.test(code)) ways.push(() => plain.tsx.transformSync(`${code}\n;`));
  let problem: unknown;
  for (const way of ways) {
    try {
      return way();
    } catch (error) {
      problem ??= error;
    }
  }
  throw problem;
}

function make(loader: Loader, tsconfig?: string): Bun.Transpiler {
  return new Bun.Transpiler({
    loader,
    replMode: true,
    autoImportJSX: true,
    // Else the transpiler puts in what it takes for their values.
    define: {
      "process.env.NODE_ENV": "process.env.NODE_ENV",
      __dirname: "globalThis.__dirname",
      __filename: "globalThis.__filename",
    },
    ...(tsconfig === undefined ? {} : { tsconfig }),
  });
}

/** What the project says of JSX counts here too. */
function withSettings(): Bun.Transpiler {
  try {
    return make("tsx", readFileSync("tsconfig.json", "utf8"));
  } catch {
    return plain.tsx;
  }
}
