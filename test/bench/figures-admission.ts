// What authentication, limits and metering add to an execute, measured from outside. The platform has no switch that turns
// them off, so pairs of calls are compared that differ in nothing else.
//
// Key, rate limit and counters: a call of an API route that is not there. With a key that has no account's form it is
// refused where it came in; with a good one its account is asked, and then nothing is found.
//
// Metering: without a budget there is nothing to compare, since an execute is counted in memory, and its account is told
// after the answer, of some executions at a time. The dearest case is measured for scale: an account whose budget counts
// executions is asked for each, beside one without a budget, and both sides have written it down before it begins.
import { newAccount } from "./accounts.ts";
import { executeAs } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { call } from "./http.ts";
import type { Figure } from "./report.ts";
import { inTurns, median, sequence } from "./statistics.ts";

const ROUNDS = 7;

export async function admissionFigures(bench: Bench): Promise<Figure[]> {
  const [plain, budgeted] = await Promise.all([newAccount(bench, {}), newAccount(bench, {})]);
  const budget = { executions: 1_000_000_000 };
  await budgeted.operator.request("PATCH", `/admin/accounts/${budgeted.id}`, { json: { budget } });
  const ask = (key: string) => async (): Promise<void> => {
    const headers = { authorization: `Bearer ${key}` };
    // Both are refused, so neither comes back as an answer.
    await call({ url: new URL("/api/nothing", bench.client.url), headers }).catch(() => {});
  };
  const [stranger, known] = [ask("nobody-has-such-a-key-anywhere-here"), ask(plain.client.apiKey)];
  await sequence(100, async () => [await stranger(), await known()]);
  const admission = await inTurns(
    ROUNDS,
    async () => median(await sequence(300, stranger)),
    async () => median(await sequence(300, known)),
  );
  const { id: without } = await plain.client.createSession();
  const { id: counted } = await budgeted.client.createSession();
  const [free, metered] = [() => executeAs(plain.client, without), () => executeAs(budgeted.client, counted)];
  await sequence(20, async () => [await free(), await metered()]);
  const metering = await inTurns(
    ROUNDS,
    async () => median(await sequence(50, free)),
    async () => median(await sequence(50, metered)),
  );
  await Promise.all([plain.remove(), budgeted.remove()]);
  const added = ({ floors, figures }: { floors: number[]; figures: number[] }): number =>
    median(figures.map((figure, round) => figure - (floors[round] ?? Number.NaN)));
  const [admitted, counting] = [added(admission), added(metering)];
  return [
    {
      name: "asking the account for key, limits and counters, p50, added",
      aim: "≤ 1 ms",
      value: admitted,
      unit: "ms",
      met: admitted <= 1,
      note: `${median(admission.figures).toFixed(2)} beside ${median(admission.floors).toFixed(2)} ms for a call that asks nobody`,
    },
    {
      name: "a budget that counts executions, p50, added to an execute",
      aim: "for scale",
      value: counting,
      unit: "ms",
      met: true,
      note: `${median(metering.figures).toFixed(2)} beside ${median(metering.floors).toFixed(2)} ms`,
    },
  ];
}
