// What a preview adds to a direct request, small and large.
import { preview } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { call, drain } from "./http.ts";
import type { Figure } from "./report.ts";
import { inTurns, median, sequence, timed } from "./statistics.ts";

const LARGE_BYTES = 100 * 1024 * 1024;

export async function previewFigures(bench: Bench): Promise<Figure[]> {
  const { id: sessionId } = await bench.session();
  await bench.client.execute({ sessionId, code: bench.server });
  const small = preview(bench, sessionId, "/small");
  const direct = { url: new URL("/small", bench.direct) };
  await sequence(50, async () => [await call(small), await call(direct)]);

  const requests = await inTurns(
    5,
    async () => median(await sequence(300, () => call(direct))),
    async () => median(await sequence(300, () => call(small))),
  );
  const [floor, value] = [median(requests.floors), median(requests.figures)];

  const speed = async (pathname: URL, headers = {}): Promise<number> => {
    const ms = await timed(async () => {
      const bytes = await drain({ url: pathname, headers });
      if (bytes !== LARGE_BYTES) throw new Error(`${bytes} of ${LARGE_BYTES} bytes arrived`);
    });
    return 100_000 / ms;
  };
  const large = preview(bench, sessionId, "/large");
  const bodies = await inTurns(
    5,
    () => speed(new URL("/large", bench.direct)),
    () => speed(large.url, large.headers),
  );
  return [
    {
      name: "preview GET of 1 KB, p50",
      aim: "≤ 2 ms added",
      value,
      unit: "ms",
      floor: { name: "direct", value: floor },
      met: value - floor <= 2,
      note: `${(value - floor).toFixed(2)} ms added`,
    },
    {
      name: "preview body of 100 MB",
      aim: "≥ 300 MB/s",
      value: median(bodies.figures),
      unit: "MB/s",
      floor: { name: "direct", value: median(bodies.floors) },
      met: median(bodies.figures) >= 300,
    },
  ];
}
