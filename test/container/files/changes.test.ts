// filesWritten: what an execution made or changed, all of it and nothing else, known the moment it ended.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { ChangeTracker } from "../../../container/supervisor/files/changes.ts";
import { Workspace } from "../../../container/supervisor/files/workspace.ts";
import { openHouse, post, type House } from "./house.ts";

let house: House;
beforeEach(() => void (house = openHouse()));
afterEach(() => house[Symbol.dispose]());

async function written(command: string): Promise<readonly string[]> {
  const mark = house.routes.changes.begin();
  await house.shell(command);
  return house.routes.changes.collect(mark);
}

describe("an execution reports", () => {
  test("files made and changed, sorted, and not those of the one before", async () => {
    expect(await written("echo 1 > b; echo 1 > a")).toEqual(["a", "b"]);
    expect(await written("echo 2 >> b")).toEqual(["b"]);
    expect(await written("cat a b")).toEqual([]);
  });

  test("what is in directories made meanwhile, however deep and however fast", async () => {
    const expected = Array.from({ length: 50 }, (_, index) => `d${index}/e/f/g`).toSorted();
    expect(await written("for i in $(seq 0 49); do mkdir -p d$i/e/f; echo x > d$i/e/f/g; done")).toEqual(expected);
    expect(await written("echo y > d7/e/f/g; echo z > d7/e/h")).toEqual(["d7/e/f/g", "d7/e/h"]);
  });

  test("files moved, linked and unpacked, under their new names", async () => {
    await house.shell("mkdir -p old/sub; echo 1 > old/sub/f; echo 1 > g; touch -d 2001-01-01 stale");
    expect(await written("mv old new; mv g h; ln -s h link; cp -p stale copy")).toEqual([
      "copy",
      "h",
      "link",
      "new/sub/f",
    ]);
    expect(await written("echo 2 > new/sub/f")).toEqual(["new/sub/f"]);
  });

  test("nothing that is gone again, that was only opened, or that is a directory", async () => {
    await house.shell("echo 1 > opened; sleep 0.02");
    expect(await written("echo 1 > gone; rm gone; mkdir made; mkdir -p x/y; rm -r x; exec 3<>opened")).toEqual([]);
  });

  test("neither node_modules, .git, .buntime nor the running code itself", async () => {
    const command = `mkdir -p node_modules/p a/node_modules .git/x .buntime/executions; for f in node_modules/p/i a/node_modules/j
      do echo > $f; done; echo > .git/x/y; echo > .buntime/executions/z; echo > .exe_0123456789abcdefghij.ts; echo > a/real`;
    expect(await written(command)).toEqual(["a/real"]);
    expect(await written("echo 2 > node_modules/p/i; echo 2 > .buntime/executions/z; echo 2 > .git/x/y")).toEqual([]);
  });

  test("files of a parallel execution that it could see, each mark for itself", async () => {
    const first = house.routes.changes.begin();
    await house.shell("echo > early");
    const second = house.routes.changes.begin();
    await house.shell("echo > late");
    expect(house.routes.changes.collect(second)).toEqual(["late"]);
    expect(house.routes.changes.collect(first)).toEqual(["early", "late"]);
  });

  test("what a client uploads while it runs, under its own name", async () => {
    const mark = house.routes.changes.begin();
    await house.fetch("/files/write", post({ files: [{ path: "up/file", content: "x" }] }));
    expect(house.routes.changes.collect(mark)).toEqual(["up/file"]);
  });
});

describe("it is right", () => {
  test("for the first execution over a workspace that has files already", async () => {
    await house.shell("mkdir -p a/b/c; echo 1 > a/b/c/f; echo 1 > a/g");
    const workspace = new Workspace({ workspace: house.workspace, user: { kind: "same" } });
    const tracker = new ChangeTracker(workspace);
    const mark = tracker.begin();
    await house.shell("echo 2 > a/b/c/f");
    expect(tracker.collect(mark)).toEqual(["a/b/c/f"]);
  });

  test("when more is written than the kernel's queue holds", async () => {
    const script = `for (let i = 0; i < 20000; i++) require("fs").writeFileSync("many" + (i % 2), "x")`;
    const mark = house.routes.changes.begin();
    // Without letting this thread read the queue meanwhile.
    const child = Bun.spawnSync(["sh", "-c", `umask 0; exec bun -e '${script}'`], { cwd: house.workspace });
    expect(child.exitCode).toBe(0);
    expect(house.routes.changes.collect(mark)).toEqual(["many0", "many1"]);
    await house.shell("mkdir after");
    expect(await written("echo x > after/all; echo y > many1")).toEqual(["after/all", "many1"]);
  });

  test("after a watched directory was moved out and another took its name", async () => {
    await house.shell("mkdir d; echo 1 > d/f");
    expect(await written("mv d ../moved-out 2>/dev/null || mv d e; mkdir d; echo 2 > d/g")).toContain("d/g");
    expect(await written("echo 3 > d/h")).toEqual(["d/h"]);
  });
});
