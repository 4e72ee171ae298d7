// What is known of executions while their session sleeps: the same as awake, and nothing is woken by asking.
import { expect, test } from "vitest";
import { ExecutionList, ExecutionRecord, OutputPage } from "../../src/contract/execute.ts";
import { newSession, platformOfRun, problem } from "../support/e2e.ts";
import { infoOf, untilState } from "../support/life.ts";
import { until } from "../support/until.ts";

const client = platformOfRun();

const COMMANDS = [
  "echo out; echo err >&2; exit 3",
  "printf '\\377\\376\\000'; printf '\\033[1m%04000d' 0",
  "seq 400000",
  "for n in $(seq 300); do echo $n; echo $n >&2; done; head -c 100000 /dev/urandom",
  `: ${"long ".repeat(1000)}; true`,
  "kill -9 $$",
  "true",
];

const sleep = (id: string): Promise<Response> => client.request("POST", `/sessions/${id}/sleep`);

/** As text: bit for bit, but for the id of an error's request. */
async function answerTo(url: string, headers: Record<string, string> = {}): Promise<string> {
  const response = await client.request("GET", url, { headers });
  const type = response.headers.get("content-type");
  return `${response.status} ${type}\n${(await response.text()).replace(/req_[0-9a-z]+/g, "req")}`;
}

async function pagesOf(id: string, executionId: string): Promise<OutputPage[]> {
  const pages: OutputPage[] = [];
  for (let after = 0; ;) {
    const url = `/sessions/${id}/executions/${executionId}/output?after=${after}`;
    const page = await client.ask(OutputPage, "GET", url);
    pages.push(page);
    if (page.done) return pages;
    after = page.lastSeq;
  }
}

test("a sleeping session's executions are told as if it were awake, page by page, and it sleeps on", async () => {
  const { id } = await newSession(client);
  for (const command of COMMANDS) await client.execute({ sessionId: id, command });
  await client.execute({ sessionId: id, code: "console.log('done'); await new Promise(() => {})", timeout: 1 });
  const list = await client.ask(ExecutionList, "GET", `/sessions/${id}/executions`);
  expect(list.total).toBe(COMMANDS.length + 1);
  const ids = list.executions.map(({ executionId }) => executionId);
  const of = (executionId: string): string => `/sessions/${id}/executions/${executionId}`;
  const calls: [string, Record<string, string>?][] = [
    ...["", "?limit=3", "?limit=3&offset=3", "?limit=100&offset=7", "?offset=1000"].map((query): [string] => [
      `/sessions/${id}/executions${query}`,
    ]),
    ...[...ids, `exe_${"0".repeat(20)}`].flatMap((executionId): [string, Record<string, string>?][] => [
      [of(executionId)],
      [`${of(executionId)}/output`],
      [`${of(executionId)}/output?after=1`],
      [`${of(executionId)}/output?after=999999`],
      [`${of(executionId)}/output?after=1`, { accept: "text/event-stream" }],
    ]),
  ];
  const ask = async (): Promise<string[]> => {
    const answers: string[] = [];
    for (const [url, headers] of calls) answers.push(await answerTo(url, headers));
    return answers;
  };
  const awake = await ask();
  const pages = await Promise.all(ids.map((executionId) => pagesOf(id, executionId)));
  expect(Math.max(...pages.map(({ length }) => length))).toBeGreaterThan(2);

  expect((await sleep(id)).status).toBe(200);
  const asleep = await ask();
  for (const [index, [url]] of calls.entries()) expect(asleep[index], url).toBe(awake[index]);
  for (const [index, executionId] of ids.entries()) expect(await pagesOf(id, executionId)).toEqual(pages[index]);
  expect((await infoOf(client, id)).state).toBe("deep-sleep");

  // And so it is once it is awake again.
  await client.request("POST", `/sessions/${id}/wake`);
  expect(await ask()).toEqual(awake);
});

test("an execution that ran on when its session fell asleep has an unknown outcome, asleep and awake", async () => {
  const { id } = await newSession(client);
  const code = "console.log('up'); Bun.serve({ port: 8080, fetch: () => new Response('up') })";
  const { executionId } = await client.execute({ sessionId: id, code });
  await sleep(id);
  const read = (): Promise<ExecutionRecord> =>
    client.ask(ExecutionRecord, "GET", `/sessions/${id}/executions/${executionId}`);
  const asleep = await read();
  expect(asleep).toMatchObject({ outcome: "unknown", endedAt: null, background: true });
  expect((await infoOf(client, id)).state).toBe("deep-sleep");
  await client.request("POST", `/sessions/${id}/wake`);
  expect(await read()).toEqual(asleep);
});

test("a session that slept before anything ran has no executions", async () => {
  const { id } = await newSession(client);
  await sleep(id);
  expect(await client.ask(ExecutionList, "GET", `/sessions/${id}/executions`)).toEqual({ executions: [], total: 0 });
  const unknown = `/sessions/${id}/executions/exe_${"0".repeat(20)}`;
  expect(await problem(client, "GET", unknown)).toMatchObject({ code: "execution_not_found" });
  expect((await infoOf(client, id)).state).toBe("deep-sleep");
});

test("a session that is only looked at becomes idle and falls asleep, and stays so", async () => {
  const { id } = await newSession(client, { idleAfter: "1s", deepSleepAfter: "2s" });
  await client.execute({ sessionId: id, code: "Bun.serve({ port: 8080, fetch: () => new Response('up') })" });
  const { lastActive, memoryUsed } = await infoOf(client, id);
  expect(memoryUsed).toBeGreaterThan(1_000_000);
  const seen = new Set<string>();
  await until(
    "it sleeps",
    async () => {
      const info = await infoOf(client, id);
      seen.add(info.state);
      expect(info.lastActive).toBe(lastActive);
      return info.state === "deep-sleep";
    },
    { deadlineMs: 30_000 },
  );
  expect([...seen].at(-1)).toBe("deep-sleep");
  expect(await untilState(client, id, "deep-sleep")).toMatchObject({ memoryUsed: 0, activeProcesses: 0, lastActive });
});
