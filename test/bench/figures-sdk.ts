// What the SDK costs: the same calls by it and by bare `fetch`, in turns, in this very process. They go to a server that
// gives a session's data without having to think, so that it is the client that is measured.
import { Buntime } from "../../src/sdk/index.ts";
import type { Bench } from "./bench.ts";
import type { Figure } from "./report.ts";
import { median } from "./statistics.ts";

const ROUNDS = 600;
const WARM_UP = 100;
const OVERHEAD_MS = 0.3;

/** Milliseconds of each, one after the other, so that what else the machine does meets both. */
async function beside(one: () => Promise<unknown>, other: () => Promise<unknown>): Promise<[number, number]> {
  const samples: [number[], number[]] = [[], []];
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const order = round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const);
    for (const which of order) {
      const begun = performance.now();
      await (which === 0 ? one() : other());
      if (round >= 0) samples[which].push(performance.now() - begun);
    }
  }
  return [median(samples[0]), median(samples[1])];
}

export async function sdkFigures(bench: Bench): Promise<Figure[]> {
  const { url, apiKey } = bench.client;
  const { id: sessionId } = await bench.session();
  const headers = { authorization: `Bearer ${apiKey}` };
  const session = await (await fetch(`${url.origin}/api/sessions/${sessionId}`, { headers })).text();
  const address = new URL(`/sessions/${sessionId}`, bench.direct);
  await fetch(address, { method: "PUT", body: session });
  const client = new Buntime({ baseUrl: bench.direct.origin, apiKey });
  const bare = async (): Promise<unknown> => (await fetch(address, { headers })).json();
  const [floor, figure] = await beside(bare, () => client.sessions.info({ sessionId }));
  const over = figure - floor;
  return [
    {
      name: "a call by the SDK, beyond bare fetch, p50",
      aim: `≤ ${OVERHEAD_MS} ms`,
      value: over,
      unit: "ms",
      floor: { name: "bare fetch, the whole call", value: floor },
      met: over <= OVERHEAD_MS,
      note: "of a GET; retries, time-out and errors included",
    },
  ];
}
