import { expect, it } from "vitest";
import { gunzipSync } from "node:zlib";
import { bytesOf } from "../../src/lib/manifest.ts";
import { AsleepReader } from "../../src/session/asleep/reader.ts";
import { ask, createSession, execute } from "./client.ts";
import { bucket, saveTree, type Entry } from "./saved-tree.ts";

async function archiveOf(entries: readonly Entry[]): Promise<Uint8Array<ArrayBuffer>> {
  const { repositoryId, root } = await saveTree(entries);
  const reader = new AsleepReader(bucket, repositoryId, root, { snapshotId: "", onDamage: () => {} });
  const answer = await reader.answer(new Request("http://supervisor/archive"));
  expect(answer?.headers.get("content-type")).toBe("application/gzip");
  return new Uint8Array((await answer?.arrayBuffer()) ?? new ArrayBuffer(0));
}

const deep = Array.from({ length: 5 }, (_, index) => `${index}`.repeat(60)).join("/");
const tree: readonly Entry[] = [
  { path: ".buntime", type: "directory" },
  { path: ".buntime/install", type: "directory" },
  { path: ".buntime/install/module", type: "file", content: "shared" },
  { path: "closed", type: "directory", mode: 0o300 },
  { path: "closed/never", type: "file", content: "x" },
  { path: "secret", type: "file", content: "x", mode: 0 },
  { path: "bin", type: "directory", mode: 0o750, mtimeNs: 1_000_000_000_000_000_000n },
  { path: "bin/run", type: "file", content: "#!/bin/sh\n", mode: 0o755, mtimeNs: 1_500_000_000_999_999_999n },
  { path: "bin/bad\xff\n", type: "file", content: "odd" },
  { path: "empty", type: "directory" },
  { path: "old", type: "file", content: "", mtimeNs: -1n },
  { path: "link", type: "symlink", target: `bin/../${deep}/f` },
  { path: "m1", type: "hardlink", target: ".buntime/install/module" },
  { path: "m2", type: "hardlink", target: ".buntime/install/module" },
  { path: "run-too", type: "hardlink", target: "bin/run" },
  { path: "sparse", type: "file", content: [{ hole: 3_000_000 }, bytesOf("end")] },
  ...deep.split("/").map((_, index, all): Entry => ({ path: all.slice(0, index + 1).join("/"), type: "directory" })),
  { path: `${deep}/f`, type: "file", content: "deep" },
];

it("the archive of a sleeping session is what tar unpacks to the same files", async () => {
  const archive = await archiveOf(tree);
  // One stream, checksum and all.
  expect(gunzipSync(archive).length % 512).toBe(0);
  const { id } = await createSession();
  await ask("PUT", `/sessions/${id}/files/a.tgz`, { body: archive });
  const { stdout, stderr } = await execute({
    sessionId: id,
    command: [
      "mkdir out && tar xzpf a.tgz --warning=no-timestamp -C out && cd out",
      "find . -mindepth 1 -type d -printf 'd %m %T@ %P\\n' | sed 's/\\.0000000000//'",
      "find . -mindepth 1 ! -type d -printf '%y %m %T@ %n %s %P -> %l\\n' | sed 's/\\.0000000000//'",
      "cat m1 m2 run-too link && tail -c 3 sparse && head -c 3000000 sparse | tr -d '\\0' | wc -c",
    ].join(" && "),
  });
  expect(stderr).toBe("");
  for (const line of [
    "d 750 1000000000 bin\n",
    "f 755 1500000000 2 10 bin/run -> ",
    "f 755 1500000000 2 10 run-too -> ",
    "f 644 -1 1 0 old -> ",
    "f 644 1795000000 2 6 m1 -> ",
    "f 644 1795000000 2 6 m2 -> ",
    "f 644 1795000000 1 3000003 sparse -> ",
    `f 644 1795000000 1 4 ${deep}/f -> `,
    "d 755 1795000000 empty\n",
  ]) {
    expect(stdout).toContain(line);
  }
  expect(stdout).toContain(`link -> bin/../${deep}/f\n`);
  expect(stdout).not.toMatch(/buntime|closed|secret/);
  expect(stdout.endsWith("sharedshared#!/bin/sh\ndeepend0\n")).toBe(true);
});

it("the archive of a sleeping session can be put into another one", async () => {
  const { id } = await createSession();
  const entries = tree.filter(({ path }) => !path.includes("\xff"));
  const put = await ask("PUT", `/sessions/${id}/archive`, { body: await archiveOf(entries) });
  expect([put.status, await put.text()]).toEqual([200, expect.stringContaining('"files":')]);
  const { stdout } = await execute({ sessionId: id, command: "cat m2 link; stat -c %a bin" });
  expect(stdout).toBe("shareddeep750\n");
});
