// What a session's workspace holds, told by a program inside it that reads every byte, and programs that change it.
import { ask, execute } from "../client.ts";
import type { Answer } from "../client.ts";

export interface Tree {
  /** Of names, kinds, modes, times in nanoseconds, links and contents: one for all that is below each entry of the top. */
  readonly hashes: Readonly<Record<string, string>>;
  readonly entries: number;
  readonly bytes: number;
}

/** The workspace's own directory is no entry; of `.buntime`, what is the platform's is left out. */
const TREE = `import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
const names = new Map(), hashes = {};
let hasher, entries = 0, bytes = 0;
const list = (path) => readdirSync(path, { encoding: "buffer" }).sort(Buffer.compare);
const visit = (path) => {
  const stat = lstatSync(path, { bigint: true });
  const kind = stat.isDirectory() ? "d" : stat.isSymbolicLink() ? "l" : stat.isFile() ? "f" : "?";
  const shared = kind === "f" && stat.nlink > 1n ? (names.get(stat.ino) ?? "first") : "";
  if (shared === "first") names.set(stat.ino, path.toString("latin1"));
  entries++;
  hasher.update(JSON.stringify([path.toString("latin1"), kind, kind === "l" ? 0 : Number(stat.mode), String(stat.mtimeNs), shared]));
  if (kind === "l") hasher.update(readlinkSync(path, { encoding: "buffer" }));
  if (kind === "f") { const content = readFileSync(path); bytes += content.length; hasher.update(String(content.length)); hasher.update(content); }
  if (kind === "d") children(path);
};
const children = (path) => { for (const name of list(path)) visit(Buffer.concat([path, Buffer.from("/"), name])); };
// What a restore has replaced may still be on its way out; nobody but the supervisor can enter it.
const top = (name, visitAll) => { hasher = new Bun.CryptoHasher("sha256"); visitAll(); hashes[name] = hasher.digest("hex"); };
for (const name of list(".")) if (!/^[.]buntime(-restore-|$)/.test(name.toString())) top(name.toString("latin1"), () => visit(name));
for (const path of [".buntime/home", ".buntime/install"]) top(path, () => children(Buffer.from(path)));
console.log(JSON.stringify({ hashes, entries, bytes }));
`;

/** One of each kind that can be saved, and names and contents that are easily got wrong. */
const FIRST = `mkdir -p src/deep empty .hidden && for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "export const n = $i" > src/f$i.ts; done
head -c 700000 /dev/urandom > large.bin; head -c 3000 /dev/urandom > src/deep/small.bin; : > none
truncate -s 3M sparse.bin; printf end >> sparse.bin
ln -s src/f1.ts link; ln -s /nowhere dangling; ln src/f2.ts hard; chmod 700 src/deep; chmod 4511 src/f3.ts
printf x > "$(printf 'a\\nb')"; printf y > "$(printf 'c\\377d')"; touch -d '1999-12-31T23:59:59.987654321Z' src/f4.ts
echo secret > .hidden/.env; chmod 600 .hidden/.env`;

/** Each time something is added, changed, moved, linked, removed, and changed without a new size or time. */
const NEXT = `n=$(cat .round 2>/dev/null || echo 0); n=$((n+1)); echo $n > .round
echo "more $n" >> src/f5.ts; head -c 20000 /dev/urandom > new$n.bin; mv src/f6.ts src/g.ts; mv src/g.ts src/f6.ts
echo changed $n >> .hidden/.env; echo $n > .hidden/$n; rm -f .hidden/$((n-1)); rm -f src/f7.ts; mkdir -p dir$n/x; ln -f src/f8.ts dir$n/hard; ln -sfn dir$n latest; chmod 640 src/f9.ts
printf 'export const n = X' | dd of=src/f10.ts conv=notrunc 2>/dev/null; touch -d '2001-02-03T04:05:06.7Z' src/f10.ts
printf $n | dd of=large.bin bs=1 seek=300000 conv=notrunc 2>/dev/null; rm -rf dir$((n-2))`;

const SCAN = "bun .tree.ts";

/** Everything as it is but for one entry of the top, which is as it was. */
export function withEntry(now: Tree, name: string, before: Tree): Tree {
  const { [name]: hash = "" } = before.hashes;
  return { ...now, hashes: { ...now.hashes, [name]: hash } };
}

export function isSame(one: Tree, other: Tree): boolean {
  const names = Object.keys({ ...one.hashes, ...other.hashes });
  return names.every((name) => one.hashes[name] === other.hashes[name]);
}

export async function begin(sessionId: string): Promise<Tree> {
  return parse(
    await execute({ sessionId, files: [{ path: ".tree.ts", content: TREE }], command: `{ ${FIRST}; } && ${SCAN}` }),
  );
}

export async function change(sessionId: string): Promise<Tree> {
  return parse(await execute({ sessionId, command: `{ ${NEXT}; } && ${SCAN}` }));
}

/** Null where the session could not answer. */
export async function look(sessionId: string): Promise<{ readonly tree: Tree | null; readonly answer: string }> {
  const response = await ask("POST", "/execute", { body: { sessionId, command: SCAN } });
  const answer = await response.text();
  // SAFETY: 200 has one.
  return { tree: response.status === 200 ? parse(JSON.parse(answer) as Answer) : null, answer };
}

function parse({ stdout, stderr, exitCode }: Answer): Tree {
  if (exitCode !== 0) {
    throw new Error(`the tree could not be read: ${stderr}`);
  }
  // SAFETY: printed by TREE.
  return JSON.parse(stdout) as Tree;
}
