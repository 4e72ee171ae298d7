// Run by bun: a program at a pseudo-terminal. `bun pty-driver.ts <cols> <rows> <program> [arguments]`. Lines of JSON on stdin
// type into it and change its size; what it prints comes out on stdout; its exit code is passed on.
import process from "node:process";

interface Spawned {
  readonly terminal: { write(data: string): void; resize(cols: number, rows: number): void };
  readonly exited: Promise<number>;
}
interface SpawnOptions {
  readonly terminal: {
    readonly cols: number;
    readonly rows: number;
    readonly data: (terminal: unknown, data: Uint8Array) => void;
  };
}

// SAFETY: it runs in Bun, of which this is what is used.
const { Bun } = globalThis as unknown as {
  Bun: { spawn(command: readonly string[], options: SpawnOptions): Spawned };
};

const [cols = "80", rows = "24", ...command] = process.argv.slice(2);
const { terminal, exited } = Bun.spawn(command, {
  terminal: { cols: Number(cols), rows: Number(rows), data: (_, data) => void process.stdout.write(data) },
});

let rest = "";
process.stdin.setEncoding("utf8").on("data", (text: string) => {
  const lines = (rest + text).split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) {
    // SAFETY: ./pty.ts sends nothing else.
    const message = JSON.parse(line) as { readonly type?: string; readonly cols: number; readonly rows: number };
    if (message.type === undefined) terminal.resize(message.cols, message.rows);
    else terminal.write(message.type);
  }
});

process.exit(await exited);
