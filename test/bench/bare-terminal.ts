// Run by bun: `bun bare-terminal.ts <count>`. The floor of a keystroke's echo: a terminal of this machine, with nothing
// around it. Prints the milliseconds of each as JSON.
import { sequence } from "./statistics.ts";

declare const Bun: {
  spawn(
    command: readonly string[],
    options: { readonly terminal: { readonly data: (terminal: unknown, bytes: Uint8Array) => void } },
  ): { readonly terminal: { write(text: string): void }; kill(): void };
};

let heard = (): void => {};
const child = Bun.spawn(["cat"], { terminal: { data: () => heard() } });

async function echo(): Promise<void> {
  const answered = new Promise<void>((resolve) => (heard = resolve));
  child.terminal.write("x");
  await answered;
}

await echo();
console.log(JSON.stringify(await sequence(Number(process.argv[2]), echo)));
child.kill();
process.exit(0);
