import { beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { comparePaths } from "../../src/lib/files/paths.ts";
import { toByteString } from "../../src/lib/manifest.ts";
import { AsleepReader } from "../../src/session/asleep/reader.ts";
import { ask, createSession, execute } from "./client.ts";
import { bucket, saveTree, type Entry } from "./saved-tree.ts";

// One tree, on the disk of a running session and in a snapshot: every answer must be the same, to the last header.
const MAKE = `
  mkdir -p src/deep a a-b empty .git node_modules/m closed shut
  printf 'one\\nneedle two\\r\\nneedle needle\\n' > src/a.ts
  printf '\\357\\273\\277bom needle' > src/deep/bom.txt
  printf 'caf\\351 needle\\n' > src/latin1.txt
  head -c 700000 /dev/urandom > large.bin
  truncate -s 900000 sparse.dat && printf tail >> sparse.dat
  printf needle > node_modules/m/index.js; printf needle > .git/config; printf x > .env
  printf 'x%.0s' $(seq 100000) > long; printf 'needle' >> long
  ln src/a.ts hard.ts; ln -s src/a.ts soft.ts; ln -s src soft; ln -s ../src/deep src/loop-free
  ln -s /workspace/src absolute; ln -s /etc etc; ln -s self self; ln -s nowhere dangling; ln -s src/a.ts/ slash
  printf x > a/file; printf x > a.txt; printf x > a-b/file; printf x > 'sp ace#?%.html'; printf x > "ü☃.md"
  printf x > closed.txt; chmod 000 closed.txt; printf x > closed/f; chmod 300 closed; printf x > shut/f; chmod 600 shut
  touch -d '1999-12-31T23:59:59.123456789Z' src/latin1.txt; touch -d '1969-12-31T23:59:58.5Z' a.txt
  printf x > "$(printf 'bad\\377name')"`;

// Everything about it, as a snapshot knows it.
const SCAN = `
  import { closeSync, lstatSync, openSync, readdirSync, readFileSync, readlinkSync, chmodSync, writeFileSync } from "node:fs";
  const seen = new Map(); const entries = [];
  const walk = (dir) => {
    for (const name of readdirSync(dir || ".", { encoding: "utf8" }).toSorted()) {
      if (name.includes("\\uFFFD") || name === ".buntime") continue;
      const path = dir ? dir + "/" + name : name;
      const s = lstatSync(path, { bigint: true });
      const entry = { path, mode: Number(s.mode & 0o7777n), mtimeNs: String(s.mtimeNs) };
      if (s.isDirectory()) {
        entries.push({ ...entry, type: "directory" });
        chmodSync(path, 0o700);
        walk(path);
        chmodSync(path, entry.mode);
      } else if (s.isSymbolicLink()) entries.push({ ...entry, type: "symlink", target: readlinkSync(path) });
      else {
        chmodSync(path, 0o600);
        entries.push({ ...entry, type: "file", ino: String(s.ino), content: readFileSync(path).toString("base64") });
        chmodSync(path, entry.mode);
      }
    }
  };
  walk(""); writeFileSync(".buntime/home/scan.json", JSON.stringify(entries));`;

const Scanned = z.array(
  z.object({
    path: z.string(),
    mode: z.number(),
    mtimeNs: z.string(),
    type: z.enum(["file", "directory", "symlink"]),
    ino: z.string().optional(),
    content: z.string().default(""),
    target: z.string().default(""),
  }),
);

let id = "";
let reader: AsleepReader;

beforeAll(async () => {
  ({ id } = await createSession());
  expect(await execute({ sessionId: id, command: MAKE })).toMatchObject({ stderr: "", exitCode: 0 });
  expect(await execute({ sessionId: id, code: SCAN })).toMatchObject({ stderr: "", exitCode: 0 });
  const scanned = await ask("GET", `/sessions/${id}/files/.buntime/home/scan.json`);
  const first = new Map<string, string>();
  const entries: Entry[] = [];
  for (const found of Scanned.parse(await scanned.json()).toSorted((a, b) => comparePaths(a.path, b.path))) {
    const { type, mode } = found;
    const path = toByteString(found.path);
    const mtimeNs = BigInt(found.mtimeNs);
    const original = found.ino === undefined ? undefined : first.get(found.ino);
    first.set(found.ino ?? path, original ?? path);
    if (original !== undefined) {
      entries.push({ path, type: "hardlink", target: original });
    } else if (type === "symlink") {
      entries.push({ path, mtimeNs, type, target: toByteString(found.target) });
    } else if (type === "directory") {
      entries.push({ path, mtimeNs, type, mode });
    } else {
      entries.push({ path, mtimeNs, type, mode, content: Uint8Array.fromBase64(found.content) });
    }
  }
  const { repositoryId, root } = await saveTree(entries);
  reader = new AsleepReader(bucket, repositoryId, root, { snapshotId: "", onDamage: () => {} });
});

interface Seen {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | null>>;
  readonly body: unknown;
}

const HEADERS = [
  "accept-ranges",
  "content-disposition",
  "content-range",
  "content-type",
  "etag",
  "last-modified",
  "x-content-type-options",
];

async function seen(response: Response): Promise<Seen> {
  const headers = Object.fromEntries(HEADERS.map((name) => [name, response.headers.get(name)]));
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes.length === 0 || response.headers.get("content-type")?.startsWith("application/json") !== true) {
    return { status: response.status, headers, body: bytes.toBase64() };
  }
  const body: unknown = JSON.parse(new TextDecoder().decode(bytes));
  const error = z.object({ error: z.record(z.string(), z.unknown()) }).safeParse(body);
  return {
    status: response.status,
    headers,
    // Which request it was differs.
    body: error.success ? { ...error.data.error, requestId: undefined } : body,
  };
}

async function expectSame(
  own: string,
  api: string,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<Seen> {
  const answer = await reader.answer(new Request(`http://supervisor${own}`, { method, headers }));
  expect(answer, own).not.toBeNull();
  const asleep = await seen(answer ?? Response.error());
  expect(asleep, own).toEqual(await seen(await ask(method, api, { headers })));
  return asleep;
}

const PATHS = [
  ["src/a.ts", "hard.ts", "soft.ts", "soft/a.ts", "soft/deep/bom.txt", "absolute/a.ts", "src/loop-free/bom.txt"],
  ["large.bin", "sparse.dat", "long", "src/latin1.txt", "a.txt", "sp ace#?%.html", "ü☃.md", ".env", ".git/config"],
  ["src", "nowhere", "src/a.ts/below", "etc", "etc/passwd", "self", "dangling", "dangling/x", "slash", "closed.txt"],
  ["closed/f", "shut/f", "/etc/passwd", "x".repeat(300), "soft.ts/x", "bad\uFFFDname"],
].flat();

it.each(PATHS)("%s is the same file asleep and awake, or the same error", async (path) => {
  const encoded = path.split("/").map(encodeURIComponent).join("%2F");
  const query = new URLSearchParams({ path }).toString();
  await expectSame(`/files/read?${query}`, `/files/read?sessionId=${id}&${query}`);
  const own = `/raw/${encoded}`;
  const api = `/sessions/${id}/files/${encoded}`;
  const whole = await expectSame(own, api);
  await expectSame(own, api, {}, "HEAD");
  const etag = whole.headers["etag"] ?? '"none"';
  const modified = whole.headers["last-modified"] ?? "";
  for (const headers of [
    { range: "bytes=0-0" },
    { range: "bytes=-3" },
    { range: "bytes=650000-" },
    { range: "bytes=1-4", "if-range": '"other"' },
    { range: "bytes=1-4", "if-range": etag },
    { range: "bytes=0-1,3-4" },
    { "if-none-match": etag },
    { "if-match": '"other"' },
    { "if-modified-since": modified },
    { "if-unmodified-since": "Mon, 01 Jan 1990 00:00:00 GMT" },
  ]) {
    await expectSame(own, api, headers);
  }
});

it.each(["", "path=.", "path=src", "path=soft", "path=absolute", "path=a.txt", "path=soft.ts", "path=nowhere"])(
  "the list of ?%s is the same asleep and awake",
  async (query) => {
    for (const more of ["", "recursive=true", "recursive=true&limit=3&offset=2", "limit=2&offset=1", "limit=100"]) {
      const both = [query, more].filter((part) => part !== "").join("&");
      // The supervisor's own is not in this snapshot; it is not listed either.
      await expectSame(`/files/list?${both}`, `/files/list?sessionId=${id}&${both}`);
    }
  },
);

it.each(["path=etc", "path=closed", "path=shut", "path=shut/f", "path=etc/passwd", "path=self", "path=src/a.ts/x"])(
  "the list of ?%s is refused or empty alike",
  async (query) => {
    await expectSame(`/files/list?${query}`, `/files/list?sessionId=${id}&${query}`);
  },
);

it.each([
  "q=needle",
  "q=needle&glob=**/*.ts",
  "q=needle&glob=node_modules/**",
  "q=needle&limit=2",
  "q=x&glob=*",
  "q=caf",
])("a search for ?%s finds the same asleep and awake", async (query) => {
  await expectSame(`/files/search?${query}`, `/sessions/${id}/files/search?${query}`);
});
