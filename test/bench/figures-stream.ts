// How late output is: the program prints the time, the client compares it with its own.
import { spawn } from "node:child_process";
import type { Bench } from "./bench.ts";
import type { Figure } from "./report.ts";
import { inTurns, median } from "./statistics.ts";

const COMMAND = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do date +%s.%N; sleep 0.06; done";

const now = (): number => performance.timeOrigin + performance.now();
const lateness = (printed: string): number => now() - Number(printed.trim()) * 1000;

export async function streamFigures(bench: Bench): Promise<Figure[]> {
  const { id: sessionId } = await bench.session();
  const streamed = async (): Promise<number> => {
    const samples: number[] = [];
    for await (const { event, data } of bench.client.stream({ sessionId, command: COMMAND })) {
      if (event === "stdout") samples.push(lateness(JSON.parse(data).data));
    }
    return median(samples);
  };
  const bare = async (): Promise<number> => {
    const samples: number[] = [];
    for await (const chunk of spawn("sh", ["-c", COMMAND]).stdout) samples.push(lateness(String(chunk)));
    return median(samples);
  };
  await streamed();
  const { floors, figures } = await inTurns(5, bare, streamed);
  return [
    {
      name: "a streamed line, after it was printed, p50",
      aim: "≤ 15 ms",
      value: median(figures),
      unit: "ms",
      floor: { name: "bare pipe", value: median(floors) },
      met: median(figures) <= 15,
      note: "the time `date` takes to print is in both",
    },
  ];
}
