import { afterEach, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import type { Hold } from "../../../container/supervisor/process/freezer.ts";
import { readThreadStates } from "../../../container/supervisor/process/proc-filesystem.ts";
import { adoptRestored } from "../../../container/supervisor/snapshot/adopt.ts";
import { decodeRoot } from "../../../src/lib/manifest.ts";
import { isRoot } from "../process/harness.ts";
import { until } from "../../support/until.ts";
import type { Seen } from "./restore-tree.ts";
import { lookAt } from "./restore-tree.ts";
import { Saver, type Taken } from "./saver.ts";

/** So that what was just written is told from what will be written: the kernel's clock for files ticks every 4 ms or so. */
async function letClockTick(path: string): Promise<void> {
  while (Date.now() - statSync(path).ctimeMs < 25) await Bun.sleep(5);
}

const open: Saver[] = [];

function openSaver(...options: ConstructorParameters<typeof Saver>): Saver {
  const saver = new Saver(...options);
  open.push(saver);
  return saver;
}

afterEach(() => {
  for (const saver of open.splice(0)) saver[Symbol.dispose]();
});

function expectTree(saver: Saver, { root }: Taken): Seen[] {
  const seen = lookAt(saver.workspace);
  expect(saver.read(root)).toEqual(seen);
  return seen;
}

/** The same tree, saved as if for the first time. */
async function takeWhole(saver: Saver): Promise<Taken> {
  return openSaverAt(saver.workspace).take();
}

function openSaverAt(workspace: string): Saver {
  return new Saver({ workspace });
}

function random(sizeBytes: number): Buffer {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(Math.min(sizeBytes, 65_536)))).subarray(0, sizeBytes);
}

/** Does not compress. */
function noise(sizeBytes: number): Buffer {
  return Buffer.concat(Array.from({ length: Math.ceil(sizeBytes / 65_536) }, () => random(65_536))).subarray(
    0,
    sizeBytes,
  );
}

describe("a snapshot", () => {
  test("of an empty workspace is a whole one", async () => {
    const saver = openSaver();
    const taken = await saver.take();
    expect(taken.root).toMatchObject({ files: 0, directories: 0, sizeBytes: 0, segments: [], packs: [], skipped: [] });
  });

  test("holds names, contents, modes, times, links and empty directories bit for bit", async () => {
    const saver = openSaver();
    const at = (name: string): string => `${saver.workspace}/${name}`;
    mkdirSync(at("a/empty"), { recursive: true });
    writeFileSync(at("a/x"), "inside a");
    writeFileSync(at("a-b"), "between a and a/x in the order of bytes");
    writeFileSync(at("a!"), "");
    mkdirSync(at("a!b"));
    writeFileSync(at("a!b/c"), "deep");
    mkdirSync(at("closed"));
    writeFileSync(at("closed/tool"), "#!/bin/sh\n");
    chmodSync(at("closed/tool"), 0o4751);
    // Closed to everybody but root.
    chmodSync(at("closed"), isRoot ? 0o1000 : 0o1700);
    symlinkSync("/etc/passwd", at("out"));
    symlinkSync("nowhere \n", at("dangling"));
    linkSync(at("a-b"), at("z-link"));
    linkSync(at("a-b"), at("a/link"));
    writeFileSync(at("ünïcödé 🎉"), "text");
    writeFileSync(at("old"), "from before the epoch");
    execFileSync("touch", ["-d", "1960-02-03 04:05:06.123456789Z", at("old")]);
    execFileSync("touch", ["-h", "-d", "2001-02-03 04:05:06.000000001Z", at("dangling")]);
    execFileSync("touch", ["-d", "2099-02-03 04:05:06.999999999Z", at("a/empty")]);
    writeFileSync(Buffer.from(`${saver.workspace}/\xff\xfe not utf-8`, "latin1"), "bytes");
    writeFileSync(at("new\nline"), "one");
    writeFileSync(at("n".repeat(255)), "longest");
    const taken = await saver.take();
    const seen = expectTree(saver, taken);
    expect(seen.find(({ path }) => path === "old")?.mtimeNs).toBe(-312_753_293_876_543_211n);
    expect(taken.root).toMatchObject({ files: 12, directories: 4, skippedCount: 0 });
  });

  test("names what it cannot save, and saves the rest", async () => {
    const saver = openSaver();
    writeFileSync(`${saver.workspace}/file`, "saved");
    execFileSync("mkfifo", [`${saver.workspace}/fifo`]);
    const server = Bun.listen({ unix: `${saver.workspace}/socket`, socket: { data: () => {} } });
    const { root } = await saver.take();
    server.stop();
    expect(root).toMatchObject({ files: 1, skippedCount: 2 });
    expect(root.skipped).toEqual([
      { path: "fifo", reason: "a FIFO cannot be saved" },
      { path: "socket", reason: "a socket cannot be saved" },
    ]);
  });

  test("names what its permissions close to it, where it is not root, and takes it up when they are opened", async () => {
    const saver = openSaver();
    for (const name of ["open", "closed", "hidden"]) mkdirSync(`${saver.workspace}/${name}`);
    for (const path of ["open/a", "closed/b", "hidden/c", "d", "e"]) writeFileSync(`${saver.workspace}/${path}`, path);
    linkSync(`${saver.workspace}/d`, `${saver.workspace}/d-too`);
    for (const path of ["closed", "d"]) chmodSync(`${saver.workspace}/${path}`, 0);
    chmodSync(`${saver.workspace}/hidden`, 0o444);
    if (isRoot) execFileSync("chown", ["-R", "1000:1000", saver.workspace]);
    const script = `
      import { Saver } from ${JSON.stringify(new URL("saver.ts", import.meta.url).pathname)};
      import { chmodSync } from "node:fs";
      const saver = new Saver({ workspace: ${JSON.stringify(saver.workspace)} });
      const first = await saver.take();
      chmodSync(saver.workspace + "/d", 0o600);
      chmodSync(saver.workspace + "/hidden", 0o755);
      chmodSync(saver.workspace + "/closed", 0o755);
      const second = await saver.take();
      console.log(JSON.stringify([first, second].map(({ root }) => [root.files, root.directories, root.skipped])));`;
    const user = isRoot ? { uid: 1000, gid: 1000 } : {};
    const child = Bun.spawn([process.execPath, "-e", script], { ...user, stdout: "pipe" });
    const reason = "its permissions do not let it be read";
    expect(JSON.parse(await child.stdout.text())).toEqual([
      [
        2,
        3,
        [
          { path: "closed", reason },
          { path: "d", reason },
          { path: "d-too", reason: "it is d, which is not saved" },
        ],
      ],
      [6, 3, []],
    ]);
  });

  test("names what has too long a path, and saves the rest", async () => {
    const saver = openSaver();
    const name = "n".repeat(250);
    // Only name by name: the whole of it is more than the kernel takes at once.
    const script = `import os, sys
for _ in range(20):
    os.mkdir(sys.argv[1]); os.chdir(sys.argv[1]); open("file", "w").close()`;
    execFileSync("python3", ["-c", script, name], { cwd: saver.workspace });
    const { root } = await saver.take();
    const longest = Math.max(...saver.nodes(root).map(({ path }) => path.length));
    expect(longest).toBeLessThanOrEqual(4084);
    expect(root).toMatchObject({ files: 16, directories: 16, skippedCount: 1 });
    expect(root.skipped[0]?.reason).toBe("its path is too long");
    expect((await saver.take()).root.treeHash).toBe(root.treeHash);
  });

  test("leaves out what is the supervisor's own and only of the moment", async () => {
    const saver = openSaver();
    const id = "0123456789abcdef0123456789abcdef";
    const kept = [
      ".buntime/executions/x",
      ".buntime/install/p",
      ".buntime/home/h",
      ".putter",
      "d/.buntime/processes/y",
    ];
    const left = [
      ".buntime/processes/x",
      ".buntime/sources/y",
      `d/.put_${id}`,
      `.exe_${"a".repeat(20)}.ts`,
      `.buntime-restore-${id}/z`,
    ];
    for (const path of [...kept, ...left]) {
      mkdirSync(dirname(`${saver.workspace}/${path}`), { recursive: true });
      writeFileSync(`${saver.workspace}/${path}`, path);
    }
    const { root } = await saver.take();
    const files = saver.nodes(root).flatMap(({ type, path }) => (type === "file" ? [path] : []));
    expect(files).toEqual(kept.toSorted());
  });

  test("cuts large files into chunks, and stores only those that changed", async () => {
    const saver = openSaver();
    const path = `${saver.workspace}/data.sqlite`;
    writeFileSync(path, noise(20 * 1024 * 1024 + 123));
    expectTree(saver, await saver.take());
    const fd = openSync(path, "r+");
    writeSync(fd, "changed", 7 * 1024 * 1024 + 5);
    closeSync(fd);
    const taken = await saver.take();
    expectTree(saver, taken);
    expect(taken.bytesStored).toBe(256 * 1024);
    appendFileSync(path, "more");
    const longer = await saver.take();
    expectTree(saver, longer);
    expect(longer.bytesStored).toBe(127);
  });

  test("stores no holes, and reads none", async () => {
    const saver = openSaver();
    const path = `${saver.workspace}/sparse`;
    const fd = openSync(path, "w");
    writeSync(fd, "begin", 0);
    writeSync(fd, "middle", 3 * 1024 ** 3);
    ftruncateSync(fd, 6 * 1024 ** 3 + 1);
    closeSync(fd);
    writeFileSync(`${saver.workspace}/all-hole`, "");
    truncateSync(`${saver.workspace}/all-hole`, 100_000);
    const { root, bytesStored } = await saver.take();
    expect(bytesStored).toBeLessThan(64 * 1024);
    const [allHole, sparse] = saver.nodes(root);
    expect(allHole).toMatchObject({ size: 100_000, pieces: [{ hole: 100_000 }] });
    if (sparse?.type !== "file") throw new Error("the sparse file is none");
    expect(sparse.size).toBe(6 * 1024 ** 3 + 1);
    const data = sparse.pieces.filter((piece) => !("hole" in piece));
    expect(data.length).toBe(2);
    const text = data.map((piece) => Buffer.from(saver.contents({ ...sparse, pieces: [piece] })).toString("latin1"));
    expect(text.join("").replaceAll("\0", "")).toBe("beginmiddle");
  });

  test("sends equal contents once, whatever they are called", async () => {
    const saver = openSaver();
    const content = noise(300_000);
    writeFileSync(`${saver.workspace}/one`, content);
    writeFileSync(`${saver.workspace}/two`, content);
    const first = await saver.take();
    expect(first.bytesStored).toBe(300_000);
    mkdirSync(`${saver.workspace}/deep`);
    renameSync(`${saver.workspace}/one`, `${saver.workspace}/deep/renamed`);
    writeFileSync(`${saver.workspace}/copy`, content);
    const second = await saver.take();
    expect(second.bytesStored).toBe(0);
    expectTree(saver, second);
  });

  test("sends parts of one file that are equal once, though they are looked at side by side", async () => {
    const saver = openSaver();
    const part = noise(256 * 1024);
    writeFileSync(`${saver.workspace}/file`, Buffer.concat([...Array.from({ length: 30 }, () => part), noise(10)]));
    const taken = await saver.take();
    expect(taken.bytesStored).toBe(256 * 1024 + 10);
    expectTree(saver, taken);
  });

  test("reads only what changed", async () => {
    const saver = openSaver();
    for (let at = 0; at < 300; at++) writeFileSync(`${saver.workspace}/file-${at}`, `content ${at}`);
    await letClockTick(`${saver.workspace}/file-299`);
    const first = await saver.take();
    expect(first.filesRead).toBe(300);
    writeFileSync(`${saver.workspace}/file-7`, "new");
    rmSync(`${saver.workspace}/file-8`);
    chmodSync(`${saver.workspace}/file-9`, 0o600);
    await letClockTick(`${saver.workspace}/file-9`);
    const second = await saver.take();
    expect(second).toMatchObject({ filesRead: 2, bytesStored: 3 });
    expectTree(saver, second);
    const third = await saver.take();
    expect(third).toMatchObject({ filesRead: 0, bytesStored: 0 });
    expect(third.root.treeHash).toBe(second.root.treeHash);
    const fourth = await saver.take();
    expect(fourth).toMatchObject({ digest: third.digest, filesRead: 0, objects: 1 });
  });

  test("notices a change that leaves size and times as they were", async () => {
    const saver = openSaver();
    const path = `${saver.workspace}/file`;
    writeFileSync(path, "aaaa");
    utimesSync(path, 1000, 1000);
    await saver.take();
    // Within the same tick of the clock, if the machine is fast enough.
    writeFileSync(path, "bbbb");
    utimesSync(path, 1000, 1000);
    expectTree(saver, await saver.take());
  });

  test("reads a file again that a process writes to through its memory", async () => {
    const saver = openSaver();
    const path = `${saver.workspace}/mapped`;
    writeFileSync(path, Buffer.alloc(8192, "a"));
    const child = Bun.spawn(["python3", "-c", MAPPER, path], { stdin: "pipe", stdout: "pipe" });
    const mapped = openSaver({ workspace: saver.workspace, userPids: () => [child.pid] });
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const hears = async (line: string): Promise<void> => {
      for (let said = ""; !said.includes(line);) {
        const { value } = await lines.read();
        if (value === undefined) throw new Error(`it ended before it said ${line}`);
        said += value;
      }
    };
    await hears("ready");
    await letClockTick(path);
    await mapped.take();
    void child.stdin.write("\n");
    await child.stdin.flush();
    await hears("written");
    expectTree(mapped, await mapped.take());
    // It writes once more and ends.
    void child.stdin.write("\n");
    await child.stdin.end();
    await child.exited;
    expectTree(mapped, await mapped.take());
  });
});

/** Maps a file, and writes to the mapping for each line that it reads. */
const MAPPER = `
import mmap, sys
with open(sys.argv[1], "r+b") as file:
    memory = mmap.mmap(file.fileno(), 0)
    memory[0:1] = b"0"
    print("ready", flush=True)
    for at, line in enumerate(sys.stdin):
        memory[1 + at:2 + at] = b"w"
        print("written", flush=True)
`;

describe("after a restart of the supervisor", () => {
  test("the manifest is asked for, everything is read once, and only what is new is sent", async () => {
    const saver = openSaver();
    for (let at = 0; at < 50; at++) writeFileSync(`${saver.workspace}/file-${at}`, `content ${at}`);
    const first = await saver.take();
    saver.restart();
    expect(saver.snapshots.begin({ base: saver.base, avoid: [] })).toEqual({ needsBase: true });
    writeFileSync(`${saver.workspace}/new`, "new");
    await letClockTick(`${saver.workspace}/new`);
    const second = await saver.take();
    expect(second).toMatchObject({ filesRead: 51, bytesStored: 3 });
    expectTree(saver, second);
    rmSync(`${saver.workspace}/new`);
    saver.restart();
    const third = await saver.take();
    expect(third.bytesStored).toBe(0);
    expect(third.root.files).toBe(first.root.files);
  });

  test("an unchanged workspace has the hash that it had, and nothing but a root is sent", async () => {
    const saver = openSaver();
    mkdirSync(`${saver.workspace}/d`);
    for (let at = 0; at < 50; at++) writeFileSync(`${saver.workspace}/d/file-${at}`, `content ${at % 10}`);
    const first = await saver.take();
    saver.restart();
    const second = await saver.take();
    expect(second).toMatchObject({ digest: first.digest, objects: 1 });
  });

  test("a manifest that is not that of the base, or damaged, is refused", async () => {
    const saver = openSaver();
    writeFileSync(`${saver.workspace}/file`, "content");
    await saver.take();
    const bundle = saver.bundle();
    saver.restart();
    const refusal = (bytes: Uint8Array): Promise<string> => saver.snapshots.putBase(bytes).then(JSON.stringify, String);
    expect(await refusal(bundle)).toContain("begin a snapshot first");
    for (let at = 0; at < bundle.length; at += 7) {
      const damaged = new Uint8Array(bundle);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      expect(saver.snapshots.begin({ base: saver.base, avoid: [] }).needsBase).toBe(true);
      expect(await refusal(damaged)).toMatch(/damaged|is not that of|a root is|a manifest/);
    }
    expect((await saver.take()).bytesStored).toBe(0);
  });
});

describe("what is stored", () => {
  test("is not relied on where it is known to be damaged", async () => {
    const saver = openSaver();
    for (let at = 0; at < 20; at++) writeFileSync(`${saver.workspace}/file-${at}`, noise(1000));
    const { root } = await saver.take();
    const avoid = root.packs.map(({ id }) => id);
    for (const id of avoid) saver.store.delete(id);
    await letClockTick(`${saver.workspace}/file-19`);
    // Packs with the same contents have the same name: what is sent anew is whole again.
    const taken = await saver.take({ avoid });
    expect(taken.bytesStored).toBe(20_000);
    expectTree(saver, taken);
  });

  test("is written anew when less than half of a pack is needed", async () => {
    const saver = openSaver();
    for (let at = 0; at < 8; at++) writeFileSync(`${saver.workspace}/file-${at}`, noise(256 * 1024));
    const first = await saver.take();
    const [contents] = first.root.packs.map(({ id }) => id);
    for (let at = 0; at < 5; at++) rmSync(`${saver.workspace}/file-${at}`);
    await saver.take();
    // A snapshot sees what the one before it has left.
    const third = await saver.take();
    expect(third.bytesStored).toBe(3 * 256 * 1024);
    expect(third.root.packs.map(({ id }) => id)).not.toContain(contents);
    expectTree(saver, third);
  });

  test("stays in few packs, and close to what is there, over many small changes", async () => {
    const saver = openSaver();
    for (let at = 0; at < 40; at++) writeFileSync(`${saver.workspace}/file-${at}`, noise(100_000));
    const first = await saver.take();
    const firstBytes = first.root.packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    for (let round = 0; round < 80; round++) {
      writeFileSync(`${saver.workspace}/file-${round % 40}`, `round ${round}`);
      const { root } = await saver.take();
      expect(root.packs.length).toBeLessThanOrEqual(66);
      expect(root.packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBeLessThan(firstBytes * 1.05);
    }
    expectTree(saver, await saver.take());
  });
});

describe("a snapshot that is not finished", () => {
  test("leaves the one before it as the base", async () => {
    const saver = openSaver();
    writeFileSync(`${saver.workspace}/a`, "a");
    await saver.take();
    writeFileSync(`${saver.workspace}/b`, noise(50_000));
    saver.snapshots.begin({ base: saver.base, avoid: [] });
    const lost = await saver.snapshots.next();
    expect(lost?.isRoot).toBe(false);
    saver.snapshots.end();
    expect(await saver.snapshots.next().catch(String)).toContain("no snapshot under way");
    const taken = await saver.take();
    expect(taken.bytesStored).toBe(50_000);
    expectTree(saver, taken);
  });

  test("is ended by a new one", async () => {
    const still: Hold = { broken: false, [Symbol.dispose]: () => {} };
    const never = new Promise<Hold>(() => {});
    const holds = [never, Promise.resolve(still)];
    const saver = openSaver({ freezer: { hold: () => holds.shift() ?? never } });
    writeFileSync(`${saver.workspace}/a`, "a");
    saver.snapshots.begin({ base: null, avoid: [] });
    const ended = saver.snapshots.next().catch(String);
    expectTree(saver, await saver.take());
    expect(await ended).toContain("was ended");
  });

  test("is given up with the memory that it holds when its files cannot be held still", async () => {
    const saver = openSaver({ freezer: { hold: () => Promise.reject(new Error("a process hangs")) } });
    writeFileSync(`${saver.workspace}/a`, "a");
    expect(await saver.take().catch(String)).toContain("a process hangs");
  });

  test("is committed once, however often it is said", async () => {
    const saver = openSaver();
    const { digest } = await saver.take();
    saver.snapshots.commit(digest);
    expect(saver.index.saved?.digest).toBe(digest);
  });

  test("cannot be committed before its root was fetched, nor as another", async () => {
    const saver = openSaver();
    writeFileSync(`${saver.workspace}/a`, "a");
    saver.snapshots.begin({ base: null, avoid: [] });
    expect(() => saver.snapshots.commit("0".repeat(64))).toThrow("is not the root");
    for (let object = await saver.snapshots.next(); object !== null; object = await saver.snapshots.next());
    expect(() => saver.snapshots.commit("0".repeat(64))).toThrow("is not the root");
    expect(saver.index.saved).toBeNull();
  });
});

describe("while processes change the workspace", () => {
  test("a snapshot is of one instant, and nothing outside is ever in it", async () => {
    const outside = openSaver();
    writeFileSync(`${outside.workspace}/secret`, "not the session's");
    const { workspace } = openSaver();
    const child = Bun.spawn(["python3", "-c", CHURN, outside.workspace], { cwd: workspace, stdout: "pipe" });
    const saver = openSaver({ workspace, freezer: { hold: () => stop(child) } });
    await child.stdout.getReader().read();
    try {
      for (let round = 0; round < 15; round++) {
        const { root } = await saver.take();
        const nodes = saver.nodes(root);
        const text = (name: string): string => {
          const node = nodes.find(({ path }) => path === name);
          return node?.type === "file" ? Buffer.from(saver.contents(node)).toString() : "";
        };
        // Written one after the other, all the time: never more than one step apart.
        const steps = [text("first"), text("second"), text("third")].map(Number);
        expect(Math.max(...steps) - Math.min(...steps)).toBeLessThanOrEqual(1);
        expect(nodes.some(({ path }) => path.endsWith("secret"))).toBe(false);
        // Emptied and written again: never half of it, and never of two steps.
        const whole = text("whole");
        expect([0, 300_000]).toContain(whole.length);
        expect(whole).toBe(whole.slice(0, 1).repeat(whole.length));
      }
    } finally {
      child.kill("SIGKILL");
      await child.exited;
    }
    expectTree(saver, await saver.take());
  }, 30_000);
});

async function stop(child: Bun.Subprocess): Promise<Hold> {
  child.kill("SIGSTOP");
  await until("it is stopped", () => readThreadStates(child.pid).every((state) => state === "T"));
  return { broken: false, [Symbol.dispose]: () => child.kill("SIGCONT") };
}

/** Counts in three files, and swaps a directory for a link to another and back, as fast as it can. */
const CHURN = `
import os, sys
outside = sys.argv[1]
def write(name, text):
    with open(name + ".new", "w") as file:
        file.write(text)
    os.rename(name + ".new", name)
def swap():
    os.makedirs("swapped/deep", exist_ok=True)
    write("swapped/deep/own", "own")
    os.rename("swapped", "aside")
    os.symlink(outside, "swapped")
    os.unlink("swapped")
    os.rename("aside", "swapped")
step = 0
while True:
    step += 1
    for name in ("first", "second", "third"):
        write(name, str(step))
    swap()
    with open("whole", "wb", buffering=0) as file:
        file.write(bytes([65 + step % 26]) * 300_000)
    if step == 1:
        print("ready", flush=True)
`;

test("the same workspace, saved step by step or at once, has the same hash", async () => {
  const saver = openSaver();
  const content = `${saver.workspace}/content`;
  writeFileSync(content, "content");
  for (let round = 0; round < 3; round++) {
    mkdirSync(`${saver.workspace}/d${round}`);
    // Names of one file: enough for several segments, and quick to make.
    for (let at = 0; at < 1000; at++) linkSync(content, `${saver.workspace}/d${round}/f${at}`);
    if (round > 0) rmSync(`${saver.workspace}/d${round - 1}/f7`);
    const taken = await saver.take();
    if (round === 2) expect(taken.root.segments.length).toBeGreaterThan(1);
    expect((await takeWhole(saver)).root.treeHash).toBe(taken.root.treeHash);
  }
}, 20_000);

describe("after a restore", () => {
  async function adopt(saver: Saver): Promise<void> {
    const digest = saver.base ?? "";
    const root = decodeRoot(saver.object(digest));
    const nodes = saver.nodes(root);
    let at = 0;
    const segments = root.segments.map((ref) => ({ ref, nodes: nodes.slice(at, (at += ref.entries)) }));
    saver.restart();
    await adoptRestored(saver.index, saver.workspace, { digest, root, segments });
  }

  test("nothing that is as it was restored is read again", async () => {
    const saver = openSaver();
    mkdirSync(`${saver.workspace}/d`);
    for (let at = 0; at < 20; at++) writeFileSync(`${saver.workspace}/d/file-${at}`, `content ${at}`);
    linkSync(`${saver.workspace}/d/file-1`, `${saver.workspace}/link`);
    symlinkSync("d", `${saver.workspace}/symlink`);
    const { digest } = await saver.take();
    await letClockTick(`${saver.workspace}/d/file-1`);
    await adopt(saver);
    expect(await saver.take()).toMatchObject({ digest, filesRead: 0, objects: 1 });
  });

  test("what differs from what was restored is read", async () => {
    const saver = openSaver();
    for (let at = 0; at < 5; at++) writeFileSync(`${saver.workspace}/file-${at}`, `content ${at}`);
    await saver.take();
    writeFileSync(`${saver.workspace}/file-1`, "another");
    rmSync(`${saver.workspace}/file-2`);
    symlinkSync("file-1", `${saver.workspace}/file-2`);
    await letClockTick(`${saver.workspace}/file-1`);
    await adopt(saver);
    const taken = await saver.take();
    expect(taken.filesRead).toBe(1);
    expectTree(saver, taken);
  });
});
