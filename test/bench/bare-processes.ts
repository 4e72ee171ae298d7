// Run by bun: `bun bare-processes.ts <program> latency <count>` or `… rate <in flight> <ms>`. The floor of execute:
// what starting the same program costs with nothing around it. In a process of its own because starting children from
// the bench's large node process costs more than the children do. Prints JSON.
import { rate, sequence } from "./statistics.ts";

declare const Bun: {
  spawn(
    command: readonly string[],
    options: { readonly stdin: "ignore"; readonly stdout: "pipe"; readonly stderr: "pipe" },
  ): { readonly stdout: ReadableStream<Uint8Array>; readonly exited: Promise<number> };
};

const [program = "", kind, first, second] = process.argv.slice(2);

async function run(): Promise<void> {
  const child = Bun.spawn([process.execPath, "run", program], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const output = await new Response(child.stdout).text();
  await child.exited;
  if (output !== "2\n") throw new Error(`the program printed ${JSON.stringify(output)}`);
}

const result =
  kind === "rate"
    ? await rate({ inFlight: Number(first), durationMs: Number(second) }, run)
    : await sequence(Number(first), run);
console.log(JSON.stringify(result));
