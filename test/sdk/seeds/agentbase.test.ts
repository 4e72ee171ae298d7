// What Agentbase's document on persistence shows, as it is written there. Its agent is a scripted one, which does for each
// message what a command does. What an example takes as given is set before it: `db`, `s3`, and the days that pass, each
// of them a deep sleep.
import { spawnSync } from "node:child_process";
import { describe, expect, onTestFinished, test } from "vitest";
import { BuntimeError } from "../../../src/sdk/index.ts";
import type { CreateSession } from "../../../src/sdk/index.ts";
import { Memory } from "../../../src/sdk/memory/index.ts";
import { platformOfRun } from "../../support/e2e.ts";
import { infoOf } from "../../support/life.ts";
import { agentWith, messagesOf } from "../../support/scripted-agent.ts";
import type { RunAgent, Script } from "../../support/scripted-agent.ts";
import { sdkOfRun } from "../../support/sdk.ts";

const http = platformOfRun();
const client = sdkOfRun();
const memory = new Memory({ apiKey: http.apiKey, baseUrl: `${http.url.origin}/api` });

const deleteAfterwards = (sessionId: string): void => {
  onTestFinished(() => void client.sessions.delete({ sessionId }).catch(() => null));
};

/** With `runAgent`, as it is in the examples. Its sessions are deleted when the test is over. */
const agent = (script: Script, creation: CreateSession = {}): { readonly runAgent: RunAgent } => ({
  runAgent: agentWith({ client, memory, script, onSession: deleteAfterwards }, creation),
});

const daysPass = async (sessionId: string): Promise<void> => {
  expect((await client.sessions.sleep({ sessionId })).state).toBe("deep-sleep");
};

/** No container was ever started: one that was would have been active for some time. */
async function expectNoContainer(sessionId: string): Promise<void> {
  expect(await infoOf(http, sessionId)).toMatchObject({
    state: "deep-sleep",
    activeProcesses: 0,
    filesCount: 0,
    savedAt: null,
    spent: { activeSeconds: 0, executions: 0 },
  });
}

const typesOf = async (sessionId: string): Promise<readonly string[]> =>
  (await messagesOf(memory, sessionId)).map(({ type }) => type);

describe("the basic pattern", () => {
  test("of two requests in one session", async () => {
    const agentbase = agent({
      "Create a file called data.json with sample user data":
        'echo \'[{"name":"Ada"},{"name":"Grace"},{"name":"Edsger"}]\' > data.json && echo Created data.json',
      "Read data.json and count the number of users":
        "bun -e 'console.log((await Bun.file(`data.json`).json()).length)'",
    });
    // Request 1: Agent creates files
    const step1 = await agentbase.runAgent({ message: "Create a file called data.json with sample user data" });

    const sessionId = step1.session;
    expect(step1.message).toBe("Created data.json");

    // Request 2: Agent accesses previous work (same session)
    const step2 = await agentbase.runAgent({
      message: "Read data.json and count the number of users",
      session: sessionId, // Reuse session - files persist
    });

    // Files created in step1 are still available in step2
    expect(step2).toEqual({ session: sessionId, message: "3" });
  });

  test("of a project over days", async () => {
    const db = new Map<string, { readonly sessionId: string; readonly createdAt: Date }>();
    const agentbase = agent({
      "Create a Python web scraper project with proper structure":
        "mkdir -p scraper/tests && echo 'def scrape(): raise NotImplementedError' > scraper/main.py && echo requests > requirements.txt",
      "Add error handling and retry logic to the scraper":
        "echo 'def retry(f): return f' > scraper/retry.py && cat scraper/main.py",
      "Run the scraper and fix any errors":
        "find scraper requirements.txt -type f | sort && sed -i 's/raise .*/return []/' scraper/main.py",
    });
    // Day 1: Initialize project
    const init = await agentbase.runAgent({ message: "Create a Python web scraper project with proper structure" });

    const projectSession = init.session;

    // Store session ID for later use
    db.set("web-scraper", { sessionId: projectSession, createdAt: new Date() });
    await daysPass(projectSession);

    // Day 2: Continue development (hours or days later)
    const savedProject = db.get("web-scraper");

    const day2 = await agentbase.runAgent({
      message: "Add error handling and retry logic to the scraper",
      session: savedProject?.sessionId,
    });
    expect(day2.message).toContain("NotImplementedError");
    await daysPass(projectSession);

    // Day 3: Test and refine
    const day3 = await agentbase.runAgent({
      message: "Run the scraper and fix any errors",
      session: savedProject?.sessionId,
    });

    // All previous work persists across days
    expect(day3.message.split("\n")).toEqual(["requirements.txt", "scraper/main.py", "scraper/retry.py"]);
    await daysPass(projectSession);
    expect(await client.files.read({ sessionId: projectSession, path: "scraper/main.py" })).toBe(
      "def scrape(): return []\n",
    );
    expect((await typesOf(projectSession)).filter((type) => type === "user_message")).toHaveLength(3);
  });

  test("of a workflow of several steps", async () => {
    const csv = "name,age\nAda,36\nAda,36\nGrace,\nEdsger,72\n";
    const dataUrl = `data:text/csv;base64,${Buffer.from(csv).toString("base64")}`;
    const agentbase = agent({
      [`Download dataset from ${dataUrl} and save as data.csv`]: `bun -e 'await Bun.write("data.csv", await (await fetch("${dataUrl}")).text())'`,
      "Clean data.csv: remove duplicates, handle missing values":
        "awk -F, '!seen[$0]++ && $2 != \"\"' data.csv > clean.csv",
      "Perform statistical analysis and create visualizations":
        "awk -F, 'NR > 1 { sum += $2; n++ } END { print sum / n }' clean.csv > mean.txt && echo '<svg/>' > chart.svg",
      "Generate comprehensive analysis report with charts":
        "(echo '# Report'; echo \"mean: $(cat mean.txt)\"; cat chart.svg) | tee report.md",
    });

    async function dataAnalysisWorkflow(dataUrl: string) {
      // Step 1: Download data
      const download = await agentbase.runAgent({
        message: `Download dataset from ${dataUrl} and save as data.csv`,
      });

      const session = download.session;

      // Step 2: Clean data (uses downloaded file)
      await agentbase.runAgent({ message: "Clean data.csv: remove duplicates, handle missing values", session });

      // Step 3: Analyze (uses cleaned data)
      await agentbase.runAgent({ message: "Perform statistical analysis and create visualizations", session });

      // Step 4: Generate report (uses all previous work)
      const report = await agentbase.runAgent({
        message: "Generate comprehensive analysis report with charts",
        session,
      });

      return { sessionId: session, report: report.message };
    }

    const { sessionId, report } = await dataAnalysisWorkflow(dataUrl);
    expect(report).toBe("# Report\nmean: 54\n<svg/>");
    // All intermediate files and results persist throughout workflow
    await daysPass(sessionId);
    const files = await client.files.list({ sessionId });
    expect(files.map(({ path }) => path)).toEqual(["chart.svg", "clean.csv", "data.csv", "mean.txt", "report.md"]);
  });
});

describe("what persists", () => {
  test("is the whole of a conversation, with tools, results, times and metadata, whether its computer sleeps or not", async () => {
    const agentbase = agent({ "How large is the workspace?": "echo small" });
    const before = Date.now();
    const { session } = await agentbase.runAgent({ message: "How large is the workspace?", system: "Be brief." });
    const awake = await messagesOf(memory, session);
    await daysPass(session);
    const asleep = await messagesOf(memory, session);
    expect(asleep).toEqual(awake);
    expect((await infoOf(http, session)).state).toBe("deep-sleep");

    expect(asleep.map(({ type, sender, content }) => [type, sender, content])).toEqual([
      // User Messages: All requests sent to the agent
      ["user_message", "user", "How large is the workspace?"],
      // Agent Responses: Complete responses including reasoning
      ["agent_thinking", "agent", "A command does that."],
      // Tool Calls: Record of all tools used and their inputs
      ["agent_tool_use", "agent", '{"tool":"execute","input":{"command":"echo small"}}'],
      // Tool Results: Outputs from tool executions
      ["agent_tool_response", "agent", '{"tool":"execute","content":"small\\n"}'],
      ["agent_response", "agent", "small"],
    ]);
    // Timestamps: When each interaction occurred
    const times = asleep.map(({ createdAt }) => createdAt);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    expect(times[0]).toBeGreaterThanOrEqual(before - 60_000);
    // Metadata: Session information, modes used, cost tracking
    expect(asleep.map(({ metadata }) => metadata)).toEqual([
      { system: "Be brief." },
      null,
      null,
      { executionId: expect.stringMatching(/^exe_/), exitCode: 0 },
      { mode: "fast", cost: "0.0012" },
    ]);
    // What the tool did is recorded by itself as well.
    const { executions } = await client.execution.list({ sessionId: session });
    expect(executions.map(({ executionId }) => executionId)).toEqual([asleep[3]?.metadata?.["executionId"]]);
  });

  test("are files, packages, configured variables and directories of the environment", async () => {
    const agentbase = agent({
      "Set it up": `mkdir -p node_modules/left-pad src/deep .venv/bin .config/app && printf 'module.exports = (s) => s.padStart(5)' > node_modules/left-pad/index.js
        printf '{"name":"left-pad","main":"index.js"}' > node_modules/left-pad/package.json
        printf 'STAGE=production\\n' > .env && printf '#!/bin/sh\\necho hi\\n' > .venv/bin/hi && chmod 755 .venv/bin/hi && ln -s src here`,
      "Use it": `bun -e 'console.log([require("left-pad")("x"), process.env.STAGE].join("|"))' && .venv/bin/hi && readlink here && ls src`,
    });
    const { session } = await agentbase.runAgent({ message: "Set it up" });
    await daysPass(session);
    const { message } = await agentbase.runAgent({ message: "Use it", session });
    expect(message.split("\n")).toEqual(["x|production", "hi", "src", "deep"]);
  });

  test("is not what was in memory, in /tmp or running, which can be started again, or is by itself as a service", async () => {
    const serve = "bun -e 'Bun.serve({ port: 8080, fetch: () => new Response(`up`) })'";
    const agentbase = agent({
      "Start it": `${serve} & sleep 0.1; echo $! > pid; echo scratch > /tmp/scratch; export HELD=1`,
      "Look for it": "ls /tmp/scratch; kill -0 $(cat pid) 2>&1 | head -c 0; echo held=$HELD",
    });
    const { session } = await agentbase.runAgent({ message: "Start it" });
    await daysPass(session);
    const asleep = await client.processes.list({ sessionId: session });
    // The truth about what ended with the container.
    expect(asleep).toMatchObject({ processes: [], ended: { reason: "deep-sleep" } });
    const { message } = await agentbase.runAgent({ message: "Look for it", session });
    expect(message).toBe("held=");

    await client.sessions.update({ sessionId: session, services: [{ name: "web", command: serve, port: 8080 }] });
    await daysPass(session);
    await client.sessions.wake({ sessionId: session });
    const { services } = await client.processes.list({ sessionId: session });
    expect(services).toMatchObject([{ name: "web", status: "running" }]);
  });
});

describe("use cases", () => {
  test("iterative development", async () => {
    const agentbase = agent({
      "Create a Next.js project with TypeScript and Tailwind":
        "mkdir app && echo 'export default () => null' > app/page.tsx && echo '{}' > tsconfig.json",
      "Add authentication with NextAuth.js": "mkdir app/api && echo 'export const auth = 1' > app/api/auth.ts",
      "Set up Prisma with PostgreSQL": "mkdir prisma && echo 'model User { id Int @id }' > prisma/schema.prisma",
      "Add unit tests with Jest":
        'echo \'import { test, expect } from "bun:test"; import { auth } from "./app/api/auth"; test("auth", () => expect(auth).toBe(1));\' > auth.test.ts && bun test 2>&1 | grep -c pass',
    });
    // Session 1: Project setup
    const setup = await agentbase.runAgent({ message: "Create a Next.js project with TypeScript and Tailwind" });

    const devSession = setup.session;
    for (const message of [
      "Add authentication with NextAuth.js", // Session 2: Add features
      "Set up Prisma with PostgreSQL", // Session 3: Database integration
      "Add unit tests with Jest", // Session 4: Testing
    ]) {
      await daysPass(devSession);
      await agentbase.runAgent({ message, session: devSession });
    }
    // All code, dependencies, and configurations persist
    const files = await client.files.list({ sessionId: devSession, recursive: true });
    expect(files.filter(({ type }) => type === "file").map(({ path }) => path)).toEqual([
      "app/api/auth.ts",
      "app/page.tsx",
      "auth.test.ts",
      "prisma/schema.prisma",
      "tsconfig.json",
    ]);
    expect((await messagesOf(memory, devSession)).at(-1)).toMatchObject({ type: "agent_response", content: "2" });
  });

  test("a data pipeline", async () => {
    const agentbase = agent({
      "Set up Python environment with pandas, numpy, scikit-learn":
        "mkdir -p .venv/lib && printf 'pandas\\nnumpy\\nscikit-learn\\n' > requirements.txt",
      "Create data preprocessing module with validation": "echo 'export const clean = (x) => x' > preprocess.js",
      "Implement random forest classifier with cross-validation":
        "echo 'import { clean } from \"./preprocess.js\"; console.log(clean(0.93))' > model.js && bun model.js | tee score.txt",
    });
    const pipeline = await agentbase.runAgent({
      message: "Set up Python environment with pandas, numpy, scikit-learn",
    });
    const pipelineSession = pipeline.session;

    // Add data processing steps
    await agentbase.runAgent({
      message: "Create data preprocessing module with validation",
      session: pipelineSession,
    });
    await daysPass(pipelineSession);

    // Add ML model
    const model = await agentbase.runAgent({
      message: "Implement random forest classifier with cross-validation",
      session: pipelineSession,
    });
    // All datasets, models, and code remain available
    expect(model.message).toBe("0.93");
    expect(await client.files.read({ sessionId: pipelineSession, path: "requirements.txt" })).toContain("pandas");
  });

  test("customer support, which never has a computer", async () => {
    const db = new Map<string, { readonly sessionId: string; readonly status: string }>();
    const agentbase = agent({});

    async function handleSupportTicket(customerId: string, initialMessage: string) {
      // Create support session
      const initial = await agentbase.runAgent({
        message: `Customer ${customerId}: ${initialMessage}`,
        system: "You are a customer support specialist.",
      });

      const supportSession = initial.session;

      // Store session with ticket
      db.set(customerId, { sessionId: supportSession, status: "open" });
      return supportSession;
    }

    // Hours later, customer responds
    async function continueSupport(ticketId: string, message: string) {
      const ticket = db.get(ticketId);

      // Continue in same session - agent remembers everything
      return await agentbase.runAgent({ message: `Customer: ${message}`, session: ticket?.sessionId });
    }

    const session = await handleSupportTicket("c-42", "my order is late");
    await expectNoContainer(session);
    expect((await continueSupport("c-42", "it is order 7")).session).toBe(session);
    await continueSupport("c-42", "thank you");
    const said = await messagesOf(memory, session);
    expect(said.filter(({ type }) => type === "user_message").map(({ content }) => content)).toEqual([
      "Customer c-42: my order is late",
      "Customer: it is order 7",
      "Customer: thank you",
    ]);
    expect(said[0]?.metadata).toEqual({ system: "You are a customer support specialist." });
    await expectNoContainer(session);
  });

  test("research that grows over weeks", async () => {
    const agentbase = agent({
      "Research sleep and create initial notes document": "echo '# Notes' > notes.md",
      "Expand section on recent developments with citations": "echo '[1] 2025' >> notes.md",
      "Find and document 5 real-world case studies": "for n in 1 2 3 4 5; do echo case $n; done > cases.md",
      "Compile all research into comprehensive report": "cat notes.md cases.md | tee report.md | wc -l",
    });
    async function researchProject(topic: string) {
      // Week 1: Initial research
      const research = await agentbase.runAgent({ message: `Research ${topic} and create initial notes document` });

      const researchSession = research.session;
      await daysPass(researchSession);

      // Week 2: Deep dive into specific areas
      await agentbase.runAgent({
        message: "Expand section on recent developments with citations",
        session: researchSession,
      });
      await daysPass(researchSession);

      // Week 3: Add case studies
      await agentbase.runAgent({ message: "Find and document 5 real-world case studies", session: researchSession });
      await daysPass(researchSession);

      // Week 4: Compile final report
      return await agentbase.runAgent({
        message: "Compile all research into comprehensive report",
        session: researchSession,
      });
    }
    // All notes, sources, and documents accumulated over weeks
    expect((await researchProject("sleep")).message).toBe("7");
  });

  test("a scheduled job that has the reports of all days before", async () => {
    const db = new Map<string, { readonly sessionId: string }>();
    const agentbase = agent({
      "Initialize daily reporting system, create templates": "mkdir reports && echo 'Report of day' > template.txt",
      "Generate today's report and compare to previous days":
        "n=$(ls reports | wc -l); cat template.txt > reports/$n.txt; echo compared with $n",
    });

    // Daily report generation with historical context
    async function generateDailyReport() {
      const reportConfig = db.get("daily-report");
      let sessionId = reportConfig?.sessionId;
      if (sessionId === undefined) {
        // First run: initialize
        const init = await agentbase.runAgent({ message: "Initialize daily reporting system, create templates" });
        sessionId = init.session;
        db.set("daily-report", { sessionId });
      }
      // Generate today's report with access to all previous reports
      return await agentbase.runAgent({
        message: "Generate today's report and compare to previous days",
        session: sessionId,
      });
    }

    // Each day's report has context of all previous reports
    for (const day of [0, 1, 2]) {
      const { session, message } = await generateDailyReport();
      expect(message).toBe(`compared with ${day}`);
      await daysPass(session);
    }
  });
});

describe("managing sessions", () => {
  test("by tags, owner and team, without a table of one's own", async () => {
    const userId = `user-${crypto.randomUUID()}`;
    // Tag sessions with meaningful metadata
    const { runAgent } = agent(
      {},
      {
        tags: ["data-analysis", "customer-insights", "q1-2025"],
        description: "Customer behavior analysis for Q1 2025",
        metadata: { owner: userId, team: "analytics" },
      },
    );
    const result = await runAgent({ message: "Begin" });
    const other = await agent({}, { tags: ["data-analysis"], metadata: { owner: userId, team: "sales" } }).runAgent({
      message: "Begin",
    });

    // Easy retrieval and organization
    const idsOf = async (query: Parameters<typeof client.sessions.list>[0]): Promise<readonly string[]> =>
      (await client.sessions.list(query)).sessions.map(({ id }) => id);
    const metadata = { owner: userId };
    expect(await idsOf({ tags: ["data-analysis"], metadata })).toEqual([other.session, result.session]);
    expect(await idsOf({ tags: ["data-analysis"], metadata: { ...metadata, team: "analytics" } })).toEqual([
      result.session,
    ]);
    expect(await idsOf({ tags: ["data-analysis", "q1-2025"], metadata })).toEqual([result.session]);
    expect(await idsOf({ q: "behavior q1 CUSTOMER", metadata })).toEqual([result.session]);
    await client.sessions.update({ sessionId: other.session, tags: ["archived"] });
    expect(await idsOf({ tags: ["data-analysis"], metadata })).toEqual([result.session]);
  });

  test("with the last access of each, and those that are stale archived and deleted", async () => {
    const agentbase = agent({ "Initialize report workflow": "echo important > important.txt" });
    const stale = await agentbase.runAgent({ message: "Initialize report workflow" });
    await daysPass(stale.session);
    const threshold = Date.now() + 1;
    const fresh = await agentbase.runAgent({ message: "Initialize report workflow" });
    const archives = new Map<string, Uint8Array>();

    // Monitor for stale sessions
    async function cleanupStaleSessions(sessionIds: readonly string[]) {
      for (const sessionId of sessionIds) {
        const { lastActive } = await client.sessions.info({ sessionId });
        if (Date.parse(lastActive) < threshold) {
          archives.set(sessionId, await archiveOf(sessionId));
          await client.sessions.delete({ sessionId });
        }
      }
    }
    await cleanupStaleSessions([stale.session, fresh.session]);
    expect([...archives.keys()]).toEqual([stale.session]);
    expect(namesIn(archives.get(stale.session))).toContain("./important.txt");
    await expect(client.sessions.info({ sessionId: stale.session })).rejects.toMatchObject({
      code: "session_not_found",
    });
    expect((await messagesOf(memory, fresh.session)).length).toBeGreaterThan(0);
  });

  test("kept warm by calls, each of which puts its sleep off", async () => {
    const { session } = await agent({ status: "echo ok" }, { idleAfter: "1m", deepSleepAfter: "2m" }).runAgent({
      message: "status",
    });
    const before = await infoOf(http, session);
    await client.sessions.wake({ sessionId: session });
    const after = await infoOf(http, session);
    expect([before.state, after.state]).toEqual(["active", "active"]);
    expect(Date.parse(after.deepSleepAt ?? "")).toBeGreaterThan(Date.parse(before.deepSleepAt ?? ""));
  });

  test("in a batch, one session for all of it", async () => {
    const agentbase = agent({ "Process a": "echo a >> done", "Process b": "echo b >> done", "Process c": "cat done" });
    async function batchProcess(items: string[]) {
      let sessionId: string | undefined;
      let last = "";
      for (const item of items) {
        const result = await agentbase.runAgent({ message: `Process ${item}`, session: sessionId });
        sessionId = result.session; // Reuse session for efficiency
        last = result.message;
      }
      return last;
    }
    expect(await batchProcess(["a", "b", "c"])).toBe("a\nb");
  });
});

describe("managing data", () => {
  test("by exporting the workspace, asleep or awake, without waking it", async () => {
    const s3 = new Map<string, Uint8Array>();
    const agentbase = agent({
      "Make artifacts": "mkdir -p out/deep && echo 1 > out/deep/a.txt && head -c 300000 /dev/urandom > out/b.bin",
    });
    const { session: sessionId } = await agentbase.runAgent({ message: "Make artifacts" });
    s3.set("awake", await archiveOf(sessionId));
    await daysPass(sessionId);
    // Download and store externally
    s3.set("asleep", await archiveOf(sessionId));
    expect((await infoOf(http, sessionId)).state).toBe("deep-sleep");
    for (const name of ["awake", "asleep"]) {
      expect(namesIn(s3.get(name))).toEqual(["./out/", "./out/b.bin", "./out/deep/", "./out/deep/a.txt"]);
    }
  });

  test("by exporting a session that never had a computer", async () => {
    const { session } = await agent({}).runAgent({ message: "Hello" });
    expect(namesIn(await archiveOf(session))).toEqual([]);
    await expectNoContainer(session);
  });

  test("by clearing what is temporary", async () => {
    const agentbase = agent({
      Build: "mkdir -p build/cache && head -c 100000 /dev/zero > build/cache/x && echo keep > kept && echo t > /tmp/t",
      "Delete all files in /tmp and clear build caches":
        "rm -rf /tmp/* build/cache && ls /tmp build | grep -c . || true",
    });
    const { session } = await agentbase.runAgent({ message: "Build" });
    const cleaned = await agentbase.runAgent({ message: "Delete all files in /tmp and clear build caches", session });
    expect(cleaned.session).toBe(session);
    await daysPass(session);
    const files = await client.files.list({ sessionId: session, recursive: true });
    expect(files.map(({ path }) => path)).toEqual(["build", "kept"]);
  });
});

describe("together with", () => {
  test("other sessions, which have files and messages of their own", async () => {
    const agentbase = agent({ "Create project A files": "echo A > a", "Create project B files": "echo B > b" });
    // Session A: Isolated persistence
    const sessionA = await agentbase.runAgent({ message: "Create project A files" });

    // Session B: Separate isolated persistence
    const sessionB = await agentbase.runAgent({ message: "Create project B files" });

    // Each session has completely separate file systems and state
    const files = await Promise.all(
      [sessionA, sessionB].map(({ session }) => client.files.list({ sessionId: session })),
    );
    expect(files.map((list) => list.map(({ path }) => path))).toEqual([["a"], ["b"]]);
    const said = await Promise.all([sessionA, sessionB].map(({ session }) => messagesOf(memory, session)));
    expect(said.map(([first]) => first?.content)).toEqual(["Create project A files", "Create project B files"]);
  });

  test("states, which are what has come together so far", async () => {
    const agentbase = agent({
      "Create config.json": "echo '{}' > config.json",
      "Add database settings to config.json": 'echo \'{"database":"sqlite"}\' > config.json',
    });
    const initial = await agentbase.runAgent({ message: "Create config.json" });
    // State: config.json exists
    const read = (): Promise<string> =>
      client.files.read({ sessionId: initial.session, path: "config.json", as: "text" });
    expect(await read()).toBe("{}\n");
    await agentbase.runAgent({ message: "Add database settings to config.json", session: initial.session });
    // State: config.json exists with database settings
    expect(await read()).toBe('{"database":"sqlite"}\n');
  });

  test("versions: a checkpoint is a snapshot, and going back to it leaves the conversation as it is", async () => {
    const agentbase = agent({
      "Write it": "echo one > it.txt",
      "Rewrite it": "echo two > it.txt && echo new > other.txt",
    });
    const { session: projectSession } = await agentbase.runAgent({ message: "Write it" });
    // Create versioned checkpoints
    const { snapshotId } = await client.snapshots.create({ sessionId: projectSession, label: "v1.0" });
    await agentbase.runAgent({ message: "Rewrite it", session: projectSession });
    const said = await messagesOf(memory, projectSession);

    // Later, rollback if needed
    await client.snapshots.restore({ sessionId: projectSession, snapshotId });
    const files = await client.files.list({ sessionId: projectSession });
    expect(files.map(({ path }) => path)).toEqual(["it.txt"]);
    expect(await client.files.read({ sessionId: projectSession, path: "it.txt" })).toBe("one\n");
    expect(await messagesOf(memory, projectSession)).toEqual(said);
  });
});

describe("troubles", () => {
  test("files are found again by the same session id, and by no other", async () => {
    const agentbase = agent({ "Create file.txt": "echo here > file.txt", "Read file.txt": "cat file.txt" });
    // Verify session continuity
    const step1 = await agentbase.runAgent({ message: "Create file.txt" });
    const step2 = await agentbase.runAgent({
      message: "Read file.txt",
      session: step1.session, // Must match!
    });
    expect(step2).toEqual({ session: step1.session, message: "here" });
    const forgotten = await agentbase.runAgent({ message: "Read file.txt" });
    expect(forgotten.session).not.toBe(step1.session);
    expect(forgotten.message).toContain("It failed");
  });

  test("a session that is gone says so, and a new one is filled from a backup", async () => {
    const agentbase = agent({ "Make project": "echo work > project.txt", "Continue work": "cat project.txt" });
    const { session: maybeExpiredSession } = await agentbase.runAgent({ message: "Make project" });
    const backup = await archiveOf(maybeExpiredSession);
    await client.sessions.delete({ sessionId: maybeExpiredSession });

    let storedSession = maybeExpiredSession;
    try {
      await agentbase.runAgent({ message: "Continue work", session: maybeExpiredSession });
      expect.unreachable();
    } catch (error) {
      // Of Agentbase's own calls it is in capitals.
      if (error instanceof BuntimeError && error.code === "session_not_found") {
        // Start new session
        const fresh = await agentbase.runAgent({ message: "Restore project from backup" });
        storedSession = fresh.session;
        const restored = await http.request("PUT", `/sessions/${storedSession}/archive`, { body: backup });
        expect(restored.status).toBeLessThan(300);
      }
    }
    expect(await agentbase.runAgent({ message: "Continue work", session: storedSession })).toMatchObject({
      message: "work",
    });
    const gone = await fetch(new URL(`/agentbase/get-messages?session=${maybeExpiredSession}`, http.url), {
      method: "POST",
      headers: { authorization: `Bearer ${http.apiKey}` },
    });
    expect([gone.status, await gone.json()]).toMatchObject([404, { code: "SESSION_NOT_FOUND" }]);
  });
});

async function archiveOf(sessionId: string): Promise<Uint8Array> {
  return new Uint8Array(await new Response(await client.files.archive({ sessionId })).arrayBuffer());
}

/** What a .tar.gz holds beside the workspace itself, sorted, by another program than ours. */
function namesIn(archive: Uint8Array | undefined): readonly string[] {
  const { stdout, status } = spawnSync("tar", ["-tzf", "-"], { input: archive });
  expect(status).toBe(0);
  return stdout
    .toString()
    .split("\n")
    .filter((name) => name !== "" && name !== "./")
    .toSorted();
}
