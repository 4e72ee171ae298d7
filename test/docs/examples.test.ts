// Each example as a reader runs it, with what it prints.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { TestContext } from "vitest";
import { startModelServer } from "./model-server.ts";
import { folder, needRegistry, project, run } from "./reader.ts";

async function example(name: string, args: readonly string[] = [], env: Record<string, string> = {}) {
  const cwd = folder();
  const ran = await run(["node", path.join(project, `examples/${name}.ts`), ...args], { cwd, env });
  return { ...ran, cwd };
}

const shown = new Set<string>();
function promise(name: string, title: string, body: (context: TestContext) => Promise<void>): void {
  shown.add(`${name}.ts`);
  test(title, body);
}

promise("conversations", "conversations keep their files apart and their history", async () => {
  expect(await example("conversations")).toMatchObject({
    stderr: "",
    code: 0,
    stdout: `ada: 42
bob: 13
open: "ada", "bob"
  await Bun.write("n.txt", "36"); console.log("kept")  →  kept
  console.log(Number(await Bun.file("n.txt").text()) + 6)  →  42
open: 0
`,
  });
});

promise("session-pool", "a pool of two serves five tasks, none of which sees what another left", async () => {
  const greetings = ["Ada", "Bob", "Cleo", "Dan", "Eve"].map((name) => `hello ${name} - left by others: 0\n`);
  expect(await example("session-pool")).toMatchObject({
    stderr: "",
    code: 0,
    stdout: `${greetings.join("")}5 tasks on 2 sessions\n`,
  });
});

promise("data-analysis", "a data analysis gives a table, and a chart as a file here", async () => {
  const { code, stdout, stderr, cwd } = await example("data-analysis", ["out.svg"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/written: chart\.svg, .*table\.json/);
  expect(stdout).toContain("2026-02");
  expect(stdout).toContain("2450");
  const chart = readFileSync(path.join(cwd, "out.svg"), "utf8");
  expect(chart).toMatch(/^<svg /);
  expect(chart.match(/<rect /g)).toHaveLength(3);
});

promise(
  "agent",
  "an agent runs what its model wants, tells it of a failure too, and ends with its answer",
  async () => {
    const model = await startModelServer(`throw new Error("a slip")`, "console.log(6 * 7)");
    onTestFinished(() => model.close());
    const env = { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "key", ANTHROPIC_MODEL: "scripted" };
    expect(await example("agent", ["What is six times seven?"], env)).toMatchObject({
      stderr: "",
      code: 0,
      stdout: `> throw new Error("a slip")\n> console.log(6 * 7)\nThe answer is 42.\n`,
    });
    expect(model.told[0]).toContain("a slip");
    expect(model.told[1]).toBe("42\n\n[exit code 0]");
  },
);

promise("hono-app", "a Hono app with SQLite stays, and has its notes after a crash", async (context) => {
  await needRegistry(context);
  expect(await example("hono-app")).toMatchObject({
    stderr: "",
    code: 0,
    stdout: `it listens
added: { id: 1, text: 'buy milk' }
added: { id: 2, text: 'write docs' }
after a crash: [ { id: 1, text: 'buy milk' }, { id: 2, text: 'write docs' } ]
`,
  });
});

test("each example is run here", () => {
  const there = readdirSync(path.join(project, "examples")).filter((name) => name.endsWith(".ts"));
  expect(there.toSorted()).toEqual([...shown].toSorted());
});
