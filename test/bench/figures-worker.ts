// What the Worker itself costs, which is in every other figure: an answer that asks nobody.
import type { Bench } from "./bench.ts";
import { call } from "./http.ts";
import type { Figure } from "./report.ts";
import { inTurns, median, sequence } from "./statistics.ts";

export async function workerFigures(bench: Bench): Promise<Figure[]> {
  const health = { url: new URL("/health", bench.client.url) };
  const direct = { url: new URL("/small", bench.direct) };
  await sequence(50, async () => [await call(health), await call(direct)]);
  const requests = await inTurns(
    5,
    async () => median(await sequence(300, () => call(direct))),
    async () => median(await sequence(300, () => call(health))),
  );
  return [
    {
      name: "an empty answer of the Worker, p50",
      aim: "for scale",
      value: median(requests.figures),
      unit: "ms",
      floor: { name: "bare Bun server", value: median(requests.floors) },
      met: true,
    },
  ];
}
