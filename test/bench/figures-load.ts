// What many sessions and many accounts cost: one session, an account with a hundred, ten accounts with ten each; what it
// costs that an account is asked; what two hundred live sessions answer like and weigh; what a noisy account does to a
// quiet one.
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { SPARE_MEMORY_MS } from "../../src/contract/limits.ts";
import { descendants } from "../support/processes.ts";
import { newAccount } from "./accounts.ts";
import type { BenchAccount } from "./accounts.ts";
import { executeAs } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { admissionFigures } from "./figures-admission.ts";
import { call } from "./http.ts";
import type { Call } from "./http.ts";
import type { Figure } from "./report.ts";
import { atRate, distribution, inTurns, median, rate, sequence } from "./statistics.ts";

const MANY = 100;
const ACCOUNTS = 10;
const IN_FLIGHT = 32;
/** Calls a second that go round all sessions: some tenth of what the machine can do. */
const ROUND_RATE = 25;
const ROUND_MS = 16_000;
/** Of the noisy account, in a minute; and what it sends in a second, some hundred times as much. */
const NOISY_LIMIT = 100;
const NOISE_RATE = 200;
const QUIET_RATE = 20;
/** For what the last calls took to be given back. */
const SETTLE_MS = SPARE_MEMORY_MS + 4000;
const MIB = 1024 * 1024;

interface Lane {
  readonly account: BenchAccount;
  readonly sessionId: string;
}

export async function loadFigures(bench: Bench): Promise<Figure[]> {
  const before = await weight(bench);
  const one = await newAccount(bench, {});
  const ten = await Promise.all(Array.from({ length: ACCOUNTS }, () => newAccount(bench, {})));
  const hundred = await lanes([one], MANY);
  const spread = await lanes(ten, MANY / ACCOUNTS);
  const all = [...hundred, ...spread];
  try {
    await delay(SETTLE_MS);
    const idle = await weight(bench);
    const admission = await admissionFigures(bench);
    return [
      ...admission,
      ...(await throughput(hundred.slice(0, 1), hundred, spread)),
      ...(await live(all)),
      memory("idle", { before, after: idle, sessions: all.length }),
      memory("called every eight seconds", { before, after: await weight(bench), sessions: all.length }),
      await noise(bench, ten[0]),
    ];
  } finally {
    // All at once would be a load of its own.
    for (const account of [one, ...ten]) await account.remove();
  }
}

/** A few at a time, since each starts a container. */
async function lanes(accounts: readonly BenchAccount[], each: number): Promise<Lane[]> {
  const made: Lane[] = [];
  for (const account of accounts) {
    for (let left = each; left > 0; left -= 5) {
      const batch = await Promise.all(
        Array.from({ length: Math.min(5, left) }, async () => {
          const { id: sessionId } = await account.client.createSession();
          await executeAs(account.client, sessionId);
          return { account, sessionId };
        }),
      );
      made.push(...batch);
    }
  }
  return made;
}

const run = ({ account, sessionId }: Lane): Promise<void> => executeAs(account.client, sessionId);

/** The lane of a call, all of them one after the other. */
function lane(among: readonly Lane[], index: number): Lane {
  const found = among[index % among.length];
  if (found === undefined) throw new Error("no session to run in");
  return found;
}

async function throughput(
  single: readonly Lane[],
  hundred: readonly Lane[],
  spread: readonly Lane[],
): Promise<Figure[]> {
  const per = (among: readonly Lane[]): Promise<number> => {
    let next = 0;
    return rate({ inFlight: IN_FLIGHT, durationMs: 3000 }, () => run(lane(among, next++)));
  };
  const rounds: Record<"single" | "hundred" | "spread", number>[] = [];
  for (let round = 0; round < 3; round++) {
    rounds.push({ single: await per(single), hundred: await per(hundred), spread: await per(spread) });
  }
  const floor = median(rounds.map(({ single: value }) => value));
  const figure = (name: string, value: number): Figure => ({
    name: `${IN_FLIGHT} executes in flight, ${name}`,
    aim: "for scale, none failed",
    value,
    unit: "/s",
    floor: { name: "in one session", value: floor },
    met: true,
    note: "one that fails ends the bench",
  });
  return [
    figure(`${MANY} sessions of one account`, median(rounds.map(({ hundred: value }) => value))),
    figure(`${ACCOUNTS} accounts with ${MANY / ACCOUNTS} each`, median(rounds.map(({ spread: value }) => value))),
  ];
}

async function live(all: readonly Lane[]): Promise<Figure[]> {
  const alone = lane(all, 0);
  await sequence(20, () => run(alone));
  const floor = median(await sequence(100, () => run(alone)));
  const { p50, p99 } = distribution(await atRate(ROUND_RATE, ROUND_MS, (index) => run(lane(all, index))));
  const name = `an execute, ${ROUND_RATE} a second round ${all.length} live sessions`;
  const one = { name: "p50 of one session", value: floor };
  return [
    { name: `${name}, p50`, aim: "for scale", value: p50, unit: "ms", floor: one, met: true },
    { name: "the same, p99", aim: "≤ 5 × the p50 of one", value: p99, unit: "ms", floor: one, met: p99 <= 5 * floor },
  ];
}

interface Weight {
  /** Proportional: what processes share is divided among them. */
  readonly pss: number;
  readonly containers: number;
  readonly engine: number;
  readonly workerd: number;
}

async function weight({ pid }: Bench): Promise<Weight> {
  const sum = { pss: 0, containers: 0, engine: 0, workerd: 0 };
  for (const process of descendants(pid)) {
    const bytes = pssOf(process.pid);
    sum.pss += bytes;
    if (/engine\/main\.[jt]s/.test(process.command)) sum.engine += bytes;
    else if (/workerd/.test(process.command)) sum.workerd += bytes;
    else sum.containers += bytes;
  }
  return sum;
}

function pssOf(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0) * 1024;
  } catch {
    return 0; // it ended while it was read
  }
}

function memory(
  state: string,
  { before, after, sessions }: { readonly before: Weight; readonly after: Weight; readonly sessions: number },
): Figure {
  const each = (part: keyof Weight): number => (after[part] - before[part]) / sessions / MIB;
  return {
    name: `a session among ${sessions}, ${state}, proportional (PSS), all processes`,
    aim: "≤ 40 MB",
    value: each("pss"),
    unit: "MB",
    met: each("pss") <= 40,
    note:
      `its container ${each("containers").toFixed(1)}, its share of the engine ${each("engine").toFixed(2)}, ` +
      `of workerd ${each("workerd").toFixed(2)}`,
  };
}

async function noise(bench: Bench, quiet: BenchAccount | undefined): Promise<Figure> {
  if (quiet === undefined) throw new Error("no account to be quiet");
  const noisy = await newAccount(bench, { requestsPerMinute: NOISY_LIMIT });
  const { id: sessionId } = await quiet.client.createSession();
  const shout: Call = {
    url: new URL("/api/sessions", bench.client.url),
    headers: { authorization: `Bearer ${noisy.client.apiKey}` },
  };
  let refused = 0;
  const refusedOnce = async (): Promise<void> => {
    await call(shout).catch((error: Error) => {
      if (!error.message.includes(": 429 ")) throw error;
      refused += 1;
    });
  };
  const p95 = async (): Promise<number> =>
    distribution(await atRate(QUIET_RATE, 5000, () => executeAs(quiet.client, sessionId))).p95;
  await sequence(NOISY_LIMIT, refusedOnce);
  await p95();
  const { floors, figures } = await inTurns(5, p95, async () => {
    const noise = atRate(NOISE_RATE, 5000, refusedOnce);
    const value = await p95();
    await noise;
    return value;
  });
  await noisy.remove();
  const [floor, value] = [median(floors), median(figures)];
  return {
    name: `p95 of an account's executes while another gets ${NOISE_RATE} refusals (429) a second`,
    aim: "≤ 1.2 × without it",
    value,
    unit: "ms",
    floor: { name: "without it", value: floor },
    met: value <= 1.2 * floor,
    note: `${refused} refused`,
  };
}
