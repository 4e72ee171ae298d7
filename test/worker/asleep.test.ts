import { describe, expect, it } from "vitest";
import type { ErrorBody } from "../../src/contract/errors.ts";
import { FileContent, FileList, SearchAnswer } from "../../src/contract/files.ts";
import type { Digest } from "../../src/contract/manifest.ts";
import { toByteString } from "../../src/lib/manifest.ts";
import { AsleepReader } from "../../src/session/asleep/reader.ts";
import { bucket, damage, digestOf, saveTree, type Entry, type SavedTree } from "./saved-tree.ts";

interface Sleeper {
  readonly saved: SavedTree;
  readonly damaged: Digest[];
  readonly get: (path: string, headers?: Record<string, string>, method?: string) => Promise<Response>;
}

async function sleeping(entries: readonly Entry[]): Promise<Sleeper> {
  return open(await saveTree(entries));
}

function open(saved: SavedTree, from = bucket): Sleeper {
  const damaged: Digest[] = [];
  const reader = new AsleepReader(from, saved.repositoryId, saved.root, {
    snapshotId: "snp_00000000000000000000",
    onDamage: (digest) => damaged.push(digest),
  });
  return {
    saved,
    damaged,
    async get(path, headers = {}, method = "GET") {
      const answer = await reader.answer(new Request(`http://supervisor${path}`, { headers, method }));
      if (answer === null) {
        throw new Error(`${method} ${path} is none of the reads`);
      }
      return answer;
    },
  };
}

async function codeOf(response: Response): Promise<string> {
  const { error } = await response.json<ErrorBody>();
  expect(error.message).not.toBe("");
  return error.code;
}

const listed = async (response: Response): Promise<string[]> =>
  FileList.parse(await response.json()).files.map(({ path }) => path);

/** Of a body of any type; `text()` warns of those that say they are none. */
const textOf = async (response: Response): Promise<string> => new TextDecoder().decode(await response.arrayBuffer());

const digestOfAnswer = async (response: Response): Promise<Digest> =>
  digestOf(new Uint8Array(await response.arrayBuffer()));

/** Bytes that do not compress to nothing, the same every time. */
function noise(size: number, seed = 1): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: size }, () => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) >>> 24);
}

describe("while a session sleeps, a file", () => {
  it("is read as text or base64, by any of its names", async () => {
    const { get } = await sleeping([
      { path: "a", type: "directory" },
      { path: "a/text", type: "file", content: "\uFEFFé☃" },
      { path: "bytes", type: "file", content: Uint8Array.of(0xff, 0) },
      { path: "empty", type: "file", content: "" },
      { path: "hard", type: "hardlink", target: "a/text" },
      { path: "soft", type: "symlink", target: "a/../a/./text" },
    ]);
    const read = async (path: string): Promise<FileContent> =>
      FileContent.parse(await (await get(`/files/read?path=${path}`)).json());
    const text = { content: "\uFEFFé☃", encoding: "utf-8", size: 8, modified: "2026-11-18T11:06:40.123Z" };
    expect(await read("a/text")).toEqual({ path: "a/text", ...text });
    expect(await read("hard")).toEqual({ path: "hard", ...text });
    expect(await read("soft")).toEqual({ path: "soft", ...text });
    expect(await read("bytes")).toMatchObject({ content: "/wA=", encoding: "base64", size: 2 });
    expect(await read("empty")).toMatchObject({ content: "", encoding: "utf-8", size: 0 });
  });

  it("of many pieces and holes comes whole and in any range, byte by byte", async () => {
    const one = noise(700_000);
    const other = noise(1_500_000, 2);
    const { get } = await sleeping([
      { path: "big.bin", type: "file", content: [one, { hole: 1_000_000 }, other, { hole: 5 }] },
    ]);
    const whole = new Uint8Array(3_200_005);
    whole.set(one);
    whole.set(other, 1_700_000);
    const response = await get("/raw/big.bin");
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    expect(await digestOfAnswer(response)).toBe(await digestOf(whole));
    const ranges = [
      [0, 0],
      [262_143, 262_144],
      [699_999, 700_000],
      [699_000, 1_700_001],
      [1_000_000, 1_000_010],
      [3_199_990, 3_200_004],
      [1, 3_200_003],
    ] as const;
    for (const [first, last] of ranges) {
      const part = await get("/raw/big.bin", { range: `bytes=${first}-${last}` });
      expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes ${first}-${last}/3200005`]);
      expect(await digestOfAnswer(part)).toBe(await digestOf(whole.slice(first, last + 1)));
    }
    const past = await get("/raw/big.bin", { range: "bytes=3200005-" });
    expect([past.status, past.headers.get("content-range")]).toEqual([416, "bytes */3200005"]);
  });

  it("answers HEAD, validators and conditions", async () => {
    const { get } = await sleeping([{ path: "p.html", type: "file", content: "<p>" }]);
    const full = await get("/raw/p.html");
    const etag = full.headers.get("etag") ?? "";
    expect(await full.text()).toBe("<p>");
    expect(full.headers.get("content-type")).toBe("text/html;charset=utf-8");
    const head = await get("/raw/p.html", {}, "HEAD");
    expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, "3", ""]);
    expect((await get("/raw/p.html", { "if-none-match": etag })).status).toBe(304);
    expect((await get("/raw/p.html", { "if-match": '"x"' })).status).toBe(412);
    expect((await get("/raw/p.html", { range: "bytes=0-0", "if-range": '"x"' })).status).toBe(200);
  });

  it("that is not there, is a directory or is closed is refused as awake", async () => {
    const { get } = await sleeping([
      { path: "d", type: "directory" },
      { path: "shut", type: "directory", mode: 0o600 },
      { path: "shut/f", type: "file", content: "x" },
      { path: "closed", type: "file", content: "x", mode: 0 },
      { path: "f", type: "file", content: "x" },
    ]);
    const code = async (path: string): Promise<string> => codeOf(await get(`/raw/${path}`));
    expect(await code("nowhere")).toBe("file_not_found");
    expect(await code("f/below")).toBe("file_not_found");
    expect(await code("d")).toBe("invalid_request");
    expect(await code("closed")).toBe("forbidden");
    expect(await code("shut/f")).toBe("forbidden");
    expect(await code("%2e%2e%2fetc%2fpasswd")).toBe("invalid_request");
    expect(await code("%ff")).toBe("invalid_request");
    expect(await code("a%00b")).toBe("invalid_request");
  });

  it("is reached through links that stay inside, and through no others", async () => {
    const chain = Array.from({ length: 45 }, (_, index): Entry => {
      const target = index === 0 ? "d/f" : `chain${index - 1}`;
      return { path: `chain${index}`, type: "symlink", target };
    });
    const { get } = await sleeping([
      { path: "d", type: "directory" },
      { path: "d/f", type: "file", content: "reached" },
      { path: "d/up", type: "symlink", target: "../d/f" },
      { path: "absolute", type: "symlink", target: "/workspace/d" },
      { path: "around", type: "symlink", target: "../workspace/d/f" },
      { path: "etc", type: "symlink", target: "/etc/passwd" },
      { path: "out", type: "symlink", target: "../other/f" },
      { path: "root", type: "symlink", target: "/" },
      { path: "loop", type: "symlink", target: "pool" },
      { path: "pool", type: "symlink", target: "loop" },
      { path: "dangling", type: "symlink", target: "nowhere" },
      { path: "slash", type: "symlink", target: "d/f/" },
      ...chain,
    ]);
    for (const path of ["d/up", "absolute/f", "absolute/up", "around", "chain39"]) {
      expect(await textOf(await get(`/raw/${path}`)), path).toBe("reached");
    }
    for (const path of ["etc", "out", "root", "root/etc/passwd", "loop", "chain40"]) {
      expect(await codeOf(await get(`/raw/${path}`)), path).toBe("invalid_request");
    }
    for (const path of ["dangling", "slash"]) {
      expect(await codeOf(await get(`/raw/${path}`)), path).toBe("file_not_found");
    }
    expect(await textOf(await get("/raw/root/workspace/d/f"))).toBe("reached");
  });

  it("is not answered for where it is to be written", async () => {
    const saved = await saveTree([]);
    const reader = new AsleepReader(bucket, saved.repositoryId, saved.root, { snapshotId: "", onDamage: () => {} });
    for (const [method, path] of [
      ["PUT", "/raw/a"],
      ["DELETE", "/raw/a"],
      ["PUT", "/archive"],
      ["POST", "/files/write"],
      ["GET", "/processes"],
    ]) {
      const request = new Request(`http://supervisor${path}`, { method: method ?? "" });
      expect(await reader.answer(request)).toBeNull();
    }
  });
});

describe("while a session sleeps, its tree", () => {
  it("is listed a page at a time, sorted by path, without what is hidden", async () => {
    const { get } = await sleeping([
      { path: ".buntime", type: "directory" },
      { path: ".buntime/home", type: "directory" },
      { path: "a", type: "directory" },
      { path: "a.txt", type: "file", content: "xy" },
      { path: "a/b", type: "file", content: "x" },
      { path: "a-z", type: "directory" },
      { path: "a-z/q", type: "directory" },
      { path: "a-z/q/r", type: "file", content: "" },
      { path: "link", type: "symlink", target: "a" },
      { path: "hard", type: "hardlink", target: "a.txt" },
      { path: toByteString("\u{1F600}"), type: "file", content: "" },
      { path: toByteString("\uFFEE"), type: "file", content: "" },
      { path: "bad\xff", type: "directory" },
      { path: "bad\xff/inside", type: "file", content: "" },
    ]);
    const top = ["a", "a-z", "a.txt", "hard", "link", "\uFFEE", "\u{1F600}"];
    expect(await listed(await get("/files/list"))).toEqual(top);
    expect(await listed(await get("/files/list?recursive=true"))).toEqual([
      "a",
      "a-z",
      "a-z/q",
      "a-z/q/r",
      "a.txt",
      "a/b",
      "hard",
      "link",
      "\uFFEE",
      "\u{1F600}",
    ]);
    const page = FileList.parse(await (await get("/files/list?limit=2&offset=1")).json());
    expect(page).toMatchObject({ total: 7, files: [{ path: "a-z" }, { path: "a.txt", size: 2, type: "file" }] });
    expect(await listed(await get("/files/list?path=link"))).toEqual(["link/b"]);
    expect(await listed(await get("/files/list?path=.buntime"))).toEqual([".buntime/home"]);
    const { files } = FileList.parse(await (await get("/files/list")).json());
    expect(files.find(({ path }) => path === "hard")).toMatchObject({ size: 2, type: "file" });
    expect(files.find(({ path }) => path === "link")).toMatchObject({ size: 1, type: "symlink" });
    expect(await codeOf(await get("/files/list?path=a.txt"))).toBe("invalid_request");
    expect(await codeOf(await get("/files/list?path=nowhere"))).toBe("file_not_found");
  });

  it("of many thousands of files is listed and found in whichever part it lies", async () => {
    const names = Array.from({ length: 6000 }, (_, index) => `d${index % 60}/f${index}`);
    const entries: Entry[] = [
      ...Array.from({ length: 60 }, (_, index): Entry => ({ path: `d${index}`, type: "directory" })),
      ...names.map((path): Entry => ({ path, type: "file", content: path })),
    ];
    const { get } = await sleeping(entries);
    const sorted = [...names, ...Array.from({ length: 60 }, (_, index) => `d${index}`)].toSorted();
    expect(await listed(await get("/files/list?recursive=true&limit=10000"))).toEqual(sorted);
    expect(await listed(await get("/files/list?limit=100"))).toHaveLength(60);
    expect(await listed(await get("/files/list?path=d7&limit=1000"))).toHaveLength(100);
    for (const path of ["d0/f0", "d59/f5999", "d31/f1111"]) {
      const exists = names.includes(path);
      const response = await get(`/raw/${path}`);
      expect(exists ? await textOf(response) : await codeOf(response)).toBe(exists ? path : "file_not_found");
    }
  });

  it("is searched as awake: lines, globs, limits, binary files and long lines", async () => {
    const long = `${"x".repeat(300_000)}needle${"y".repeat(300_000)}\nneedle`;
    const { get } = await sleeping([
      { path: "b.md", type: "file", content: "one\r\nneedle [.*\r\n" },
      { path: "long", type: "file", content: long },
      { path: "binary", type: "file", content: "needle\0" },
      { path: "node_modules", type: "directory" },
      { path: "node_modules/x.js", type: "file", content: "needle" },
      { path: "hard", type: "hardlink", target: "b.md" },
      { path: "soft", type: "symlink", target: "b.md" },
      { path: "closed", type: "file", content: "needle", mode: 0 },
      { path: "holes", type: "file", content: [new TextEncoder().encode("needle\n"), { hole: 600_000 }] },
    ]);
    const found = async (query: string): Promise<SearchAnswer> =>
      SearchAnswer.parse(await (await get(`/files/search?${query}`)).json());
    const { matches, truncated } = await found("q=needle");
    expect(truncated).toBe(false);
    expect(matches.map(({ path, line }) => [path, line])).toEqual([
      ["b.md", 2],
      ["hard", 2],
      ["long", 1],
      ["long", 2],
    ]);
    expect(matches[0]?.text).toBe("needle [.*");
    expect(matches[2]?.text).toHaveLength(512);
    expect((await found("q=needle&glob=node_modules/**")).matches).toHaveLength(1);
    expect(await found("q=needle&limit=1")).toMatchObject({ truncated: true, matches: [{ path: "b.md" }] });
    expect(await found("q=absent")).toEqual({ matches: [], truncated: false });
  });
});

describe("a bucket that fails", () => {
  /** The real one, but for its reads. */
  const withGet = (get: (key: string, options?: R2GetOptions) => Promise<unknown>): R2Bucket =>
    new Proxy(bucket, {
      get: (target, name): unknown => (name === "get" ? get : Reflect.get(target, name)),
    });

  it("is an error to try again, and says nothing against the snapshot", async () => {
    const saved = await saveTree([{ path: "f", type: "file", content: "x" }]);
    let failing = true;
    const flaky = withGet((key, options) => (failing ? Promise.reject(new Error("no")) : bucket.get(key, options)));
    const { get, damaged } = open(saved, flaky);
    for (const path of ["/raw/f", "/files/list", "/archive"]) {
      const response = await get(path);
      expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
      expect(await codeOf(response)).toBe("container_unavailable");
    }
    failing = false;
    expect(await textOf(await get("/raw/f"))).toBe("x");
    expect(damaged).toEqual([]);
  });

  it("and gives less than was asked for is noticed", async () => {
    const saved = await saveTree([{ path: "f", type: "file", content: "content" }]);
    const short = withGet(async (key, options) => {
      const object = await bucket.get(key, options);
      const bytes = (await object?.arrayBuffer()) ?? new ArrayBuffer(0);
      return { arrayBuffer: () => Promise.resolve(options === undefined ? bytes : bytes.slice(1)) };
    });
    const { get, damaged } = open(saved, short);
    expect(await codeOf(await get("/raw/f"))).toBe("internal_error");
    expect(damaged).toHaveLength(1);
  });

  it("is asked once for what many want at the same time", async () => {
    const saved = await saveTree([{ path: "f", type: "file", content: "content" }]);
    const asked: string[] = [];
    const counting = withGet((key, options) => {
      asked.push(key);
      return bucket.get(key, options);
    });
    const { get } = open(saved, counting);
    const answers = await Promise.all(Array.from({ length: 20 }, async () => textOf(await get("/raw/f"))));
    expect(new Set(answers)).toEqual(new Set(["content"]));
    // Root, segment and content.
    expect(asked.length).toBeLessThanOrEqual(22);
    asked.length = 0;
    await get("/raw/f");
    expect(asked.length).toBeLessThanOrEqual(1);
  });
});

describe("a damaged snapshot", () => {
  const entries: readonly Entry[] = [
    { path: "large", type: "file", content: noise(3_000_000) },
    { path: "small", type: "file", content: "small" },
  ];

  it("is an error that names it, never wrong bytes, and is reported", async () => {
    const contents = {
      large: await digestOf(noise(3_000_000)),
      small: await digestOf(new TextEncoder().encode("small")),
    };
    let reported = 0;
    for (let round = 0; round < 24; round++) {
      const saved = await saveTree(entries);
      const pack = saved.packs[round % saved.packs.length] ?? "";
      await damage(saved, pack, round * 99_991);
      const { get, damaged } = open(saved);
      for (const [path, digest] of Object.entries(contents)) {
        const response = await get(`/raw/${path}`);
        if (response.status === 200) {
          // A bit may mean nothing, and a body that has begun can only break.
          expect(await digestOfAnswer(response).catch(() => digest)).toBe(digest);
        } else {
          expect(response.status).toBe(500);
          expect(await response.text()).toContain("snp_00000000000000000000");
          expect(damaged).toContain(pack);
        }
      }
      expect(damaged.filter((digest) => digest !== pack)).toEqual([]);
      reported += damaged.length;
    }
    expect(reported).toBeGreaterThanOrEqual(24);
  });

  it("whose root is wrong or missing answers nothing else", async () => {
    const saved = await saveTree(entries);
    await damage(saved, saved.root, 10);
    const { get, damaged } = open(saved);
    expect(await codeOf(await get("/files/list"))).toBe("internal_error");
    await bucket.delete(`${saved.repositoryId}/${saved.root}`);
    expect(await codeOf(await get("/files/list"))).toBe("internal_error");
    expect(damaged).toEqual([saved.root, saved.root]);
  });

  it("breaks an archive rather than leave a file out of it", async () => {
    const saved = await saveTree(entries);
    await damage(saved, saved.packs[0] ?? "", 500_000);
    const { get, damaged } = open(saved);
    const response = await get("/archive");
    if (response.status === 200) {
      await expect(response.arrayBuffer()).rejects.toThrow();
    }
    expect(damaged).toEqual([saved.packs[0]]);
  });
});
