// What waking costs a small session: from idle, and from deep sleep beside a new session.
import * as z from "zod";
import { Session, SessionInfo } from "../../src/contract/session.ts";
import { until } from "../support/until.ts";
import { api, execute } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { call } from "./http.ts";
import type { Figure } from "./report.ts";
import { inTurns, median, timed } from "./statistics.ts";

const THAW_AIM_MS = 5;
const WAKE_AIM = 1.3;
const WAKES = 12;
const THAWS = 9;
/** The shortest that wrangler.toml allows. */
const IDLE_AFTER = "1s";

export async function wakeFigures(bench: Bench): Promise<Figure[]> {
  return [await thaw(bench), await wakeSmall(bench)];
}

/** A fork of a session, which begins asleep and shares its contents. */
export async function fork({ client }: Bench, sessionId: string): Promise<string> {
  return (await client.ask(Session, "POST", `/sessions/${sessionId}/fork`, {})).id;
}

async function thaw(bench: Bench): Promise<Figure> {
  const { client } = bench;
  const { id } = await client.createSession({ idleAfter: IDLE_AFTER, deepSleepAfter: "1h" });
  await client.execute({ sessionId: id, command: "sleep 3600", background: true });
  await client.request("POST", "/files/write", { json: { sessionId: id, path: "small.txt", content: "x" } });
  const read = (): Promise<number> =>
    timed(() => call(api(bench, "GET", `/files/read?sessionId=${id}&path=small.txt`)));
  const state = async (): Promise<string> => (await client.ask(SessionInfo, "GET", `/sessions/${id}`)).state;
  const warm: number[] = [];
  const thawed: number[] = [];
  for (let round = 0; round < THAWS; round++) {
    await until("the session is idle", async () => (await state()) === "idle");
    thawed.push(await read());
    warm.push(await read());
  }
  await client.request("DELETE", `/sessions/${id}`);
  const floor = median(warm);
  const value = median(thawed) - floor;
  return {
    name: "thaw from idle, added to a file read",
    aim: `≤ ${THAW_AIM_MS} ms`,
    value,
    unit: "ms",
    met: value <= THAW_AIM_MS,
    note: `the same read, awake: ${floor.toFixed(2)} ms`,
  };
}

async function wakeSmall(bench: Bench): Promise<Figure> {
  const { client } = bench;
  const { id: sessionId } = await bench.session();
  const command = "for i in $(seq 20); do head -c 50000 /dev/urandom > file-$i; done";
  await client.execute({ sessionId, command });
  await client.ask(z.unknown(), "POST", `/sessions/${sessionId}/snapshots`, { label: "one" });
  const made: string[] = [];
  const { floors, figures } = await inTurns(
    WAKES,
    () =>
      timed(async () => {
        const { id } = await client.createSession();
        made.push(id);
        await execute(bench, id);
      }),
    async () => {
      const id = await fork(bench, sessionId);
      made.push(id);
      return timed(() => execute(bench, id));
    },
  );
  await Promise.all(made.map((id) => client.request("DELETE", `/sessions/${id}`)));
  const floor = median(floors);
  const value = median(figures);
  return {
    name: "wake of a 1 MB session → first result, p50",
    aim: `≤ ${WAKE_AIM} × create → first result`,
    value,
    unit: "ms",
    floor: { name: "create → first result", value: floor },
    met: value <= WAKE_AIM * floor,
  };
}
