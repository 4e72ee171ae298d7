// A container in Docker is killed while its session is saved, woken, forked or deleted. Afterwards the workspace is one
// that was saved and acknowledged, or the one that was being saved, bit for bit; and no container is left that nobody owns.
import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Session } from "../../src/contract/session.ts";
import { docker } from "../support/docker-container.ts";
import { ON_DOCKER } from "../support/e2e.ts";
import { infoOf, takeSnapshot, untilState } from "../support/life.ts";
import { startTestPlatform } from "../support/platform.ts";
import type { TestPlatform } from "../support/platform.ts";
import { until } from "../support/until.ts";

const SIDECAR = "-proxy";
/** Ends a test that hangs. */
const MOST_MS = 180_000;
/** After the call that is disturbed has begun: somewhere in the middle of it. */
const MOMENTS_MS = [0, 200, 700];

const FILL = `mkdir -p src/deep empty; for i in $(seq 300); do echo "file $i" > src/f$i; done
head -c 8000000 /dev/urandom > large; truncate -s 50M sparse; printf end >> sparse; ln src/f1 hard; ln -s src/f2 link
chmod 700 src/deep; printf x > "$(printf 'a\\nb')"; touch -d 1999-12-31T23:59:59.987654321Z src/f4`;
/** Another size, another content, another name, one less. */
const CHANGE = `head -c 3000000 /dev/urandom > "new$(date +%s%N)"; date +%s%N >> src/f9; mv src/f10 src/g; mv src/g src/f10
printf "$(date +%N)" | dd of=large bs=1 seek=700000 conv=notrunc 2>/dev/null; rm -f "$(ls src/f1?? | head -n 1)"`;
/** Names, kinds, modes, times, links and contents. */
const SCAN = `{ find . -mindepth 1 -path ./.buntime -prune -o -type d -printf '%P %m %T@\\0' -o -printf '%P %y %m %T@ %l %n\\0' | sort -z
find . -path ./.buntime -prune -o -type f -print0 | sort -z | xargs -0 sha256sum; } | sha256sum`;

describe.runIf(ON_DOCKER)("a container in Docker that is killed", () => {
  let platform: TestPlatform;
  beforeAll(async () => {
    platform = await startTestPlatform({ docker: true });
  });
  afterAll(() => platform.stop());

  /** By the Worker's name, which is the data directory's own. */
  const containers = (): string[] => {
    const worker = createHash("sha256").update(`${platform.dataDir}/docker`).digest("hex").slice(0, 8);
    const names = docker("ps", "--filter", `name=-buntime-${worker}-`, "--format", "{{.Names}}");
    return names.split("\n").filter((name) => name !== "" && !name.endsWith(SIDECAR));
  };

  /** Kills the one that there is or will be while the call is under way; a call may be refused before there is any. */
  async function killDuring(call: Promise<Response>, ms: number): Promise<void> {
    const progress = { isOver: false };
    const over = (): void => {
      progress.isOver = true;
    };
    call.then(over, over);
    const [name] = await until(
      "a container to run",
      () => (containers().length > 0 || progress.isOver) && containers(),
      {
        deadlineMs: 60_000,
      },
    );
    if (name === undefined) return;
    await delay(ms);
    try {
      docker("kill", name);
    } catch {
      // It has ended by itself.
    }
  }

  async function run(sessionId: string, command: string): Promise<string> {
    const answer = await until(
      "the session to answer",
      async () => {
        const response = await platform.client.request("POST", "/execute", { json: { sessionId, command } });
        const text = await response.text();
        return response.status === 200 && text;
      },
      { deadlineMs: 60_000 },
    );
    const { stdout } = JSON.parse(answer) as { readonly stdout: string };
    return stdout;
  }

  /** A session whose workspace is saved, and its hash. */
  async function begin(): Promise<{ readonly id: string; readonly saved: string }> {
    const { id } = await platform.client.createSession();
    const saved = await run(id, `${FILL}; ${SCAN}`);
    await takeSnapshot(platform.client, id);
    return { id, saved };
  }

  const remove = async (id: string): Promise<void> => {
    expect((await platform.client.request("DELETE", `/sessions/${id}`)).status).toBe(200);
    await until("its container to be gone", () => containers().length === 0, { deadlineMs: 30_000 });
  };

  test(
    "while it is saved, leaves the workspace as it was saved last or as it was being saved",
    { timeout: MOST_MS },
    async () => {
      const { id, saved } = await begin();
      let before = saved;
      for (const ms of MOMENTS_MS) {
        const now = await run(id, `${CHANGE}; ${SCAN}`);
        const save = platform.client.request("POST", `/sessions/${id}/snapshots`, { json: {} });
        await killDuring(save, ms);
        const allowed = (await save).status === 201 ? [now] : [before, now];
        before = await run(id, SCAN);
        expect(allowed).toContain(before);
        expect(containers()).toHaveLength(1);
      }
      await remove(id);
    },
  );

  test("while it wakes, costs nothing: the next call wakes it again", { timeout: MOST_MS }, async () => {
    const { id, saved } = await begin();
    for (const ms of MOMENTS_MS) {
      for (const name of containers()) docker("kill", name);
      await untilState(platform.client, id, "deep-sleep");
      const first = platform.client.request("POST", "/execute", { json: { sessionId: id, command: "true" } });
      await killDuring(first, ms);
      await (await first).body?.cancel();
      expect(await run(id, SCAN)).toBe(saved);
      expect(containers()).toHaveLength(1);
    }
    await remove(id);
  });

  test(
    "while a fork wakes for the first time, costs the fork nothing, whose original is gone by then",
    { timeout: MOST_MS },
    async () => {
      const { id, saved } = await begin();
      const fork = await platform.client.ask(Session, "POST", `/sessions/${id}/fork`, {});
      await remove(id);
      const first = platform.client.request("POST", "/execute", { json: { sessionId: fork.id, command: "true" } });
      await killDuring(first, 200);
      await (await first).body?.cancel();
      expect(await run(fork.id, SCAN)).toBe(saved);
      await remove(fork.id);
    },
  );

  test("while it is deleted, leaves neither a session nor a container", { timeout: MOST_MS }, async () => {
    const { id } = await begin();
    const removal = platform.client.request("DELETE", `/sessions/${id}`);
    await killDuring(removal, 0);
    expect((await removal).status).toBe(200);
    await expect(infoOf(platform.client, id)).rejects.toMatchObject({ status: 404 });
    await until("its container to be gone", () => containers().length === 0, { deadlineMs: 30_000 });
  });
});
