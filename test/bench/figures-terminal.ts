// How long a key that is typed takes until its character is on the screen: to the program's terminal and back.
import { execFileSync } from "node:child_process";
import path from "node:path";
import { ROOT } from "../../src/local/repository.ts";
import { TerminalViewer } from "../support/terminal.ts";
import type { Bench } from "./bench.ts";
import type { Figure } from "./report.ts";
import { distribution, inTurns, median, sequence } from "./statistics.ts";

const KEYS = 200;
const AIM_MS = 10;

export async function terminalFigures(bench: Bench): Promise<Figure[]> {
  const { id } = await bench.session();
  // Neither a shell's nor an editor's own work is a part of it: the kernel echoes, as it does at the floor.
  const viewer = new TerminalViewer(bench.client, id, { command: "echo ready; exec cat" });
  await viewer.shows("ready");
  const echo = async (): Promise<void> => {
    const shown = new Promise<void>((resolve) => {
      const onMessage = (_data: unknown, isBinary: boolean): void => {
        if (!isBinary) return;
        viewer.socket.off("message", onMessage);
        resolve();
      };
      viewer.socket.on("message", onMessage);
    });
    viewer.type("x");
    await shown;
  };
  const typed = async (): Promise<number[]> => await sequence(KEYS, echo);
  const bare = (): Promise<number[]> => {
    const program = path.join(ROOT, "test/bench/bare-terminal.ts");
    const text = execFileSync(path.join(ROOT, "node_modules/.bin/bun"), [program, String(KEYS)], { encoding: "utf8" });
    // SAFETY: what that program prints.
    return Promise.resolve(JSON.parse(text) as number[]);
  };
  await typed();
  const { floors, figures } = await inTurns(5, bare, typed);
  viewer.drop();
  const shown = figures.map(distribution);
  const value = median(shown.map(({ p50 }) => p50));
  return [
    {
      name: "a keystroke's echo, p50",
      aim: `≤ ${AIM_MS} ms`,
      value,
      unit: "ms",
      floor: { name: "local terminal", value: median(floors.map(median)) },
      met: value <= AIM_MS,
      note: `p95 ${median(shown.map(({ p95 }) => p95)).toFixed(1)} ms`,
    },
  ];
}
