// Reading while the session sleeps: every read is answered as it was awake, and nothing is woken by it.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { SessionInfo } from "../../src/contract/session.ts";
import { newSession, platformOfRun } from "../support/e2e.ts";
import { until } from "../support/until.ts";

const client = platformOfRun();

const MAKE = `
  mkdir -p src/deep empty 'odd [name]' node_modules/m
  printf 'one\\nneedle two\\n' > src/a.ts; printf 'needle' > src/deep/b.txt; printf '#!/bin/sh\\n' > run.sh; chmod 750 run.sh
  head -c 3000000 /dev/urandom > large.bin; truncate -s 5000000 sparse; printf end >> sparse
  printf '\\377\\376' > bytes; printf x > 'odd [name]/ü☃ #?%.html'; printf needle > node_modules/m/i.js
  ln src/a.ts hard; ln -s src/a.ts soft; ln -s src dir-link; ln -s /etc/passwd out; ln -s nowhere dangling
  touch -d '2001-02-03T04:05:06.789012345Z' src/a.ts; printf x > "$(printf 'bad\\377')"; chmod 500 empty`;

const state = async (id: string): Promise<string> => (await client.ask(SessionInfo, "GET", `/sessions/${id}`)).state;

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const OF_ONE_REQUEST = /^(date|connection|keep-alive|transfer-encoding|x-request-id|x-ratelimit-.*)$/;

/** All of it but what belongs to this one request. */
async function answerTo(method: string, url: string, headers: Record<string, string>): Promise<Answer> {
  const response = await client.request(method, url, { headers });
  const body = Buffer.from(await response.arrayBuffer());
  const kept = [...response.headers].filter(([name]) => !OF_ONE_REQUEST.test(name));
  const text = response.ok ? createHash("sha256").update(body).digest("hex") : body.toString();
  return { status: response.status, headers: Object.fromEntries(kept), body: text.replace(/req_[0-9a-z]+/g, "req") };
}

function reads(id: string): { method: string; url: string; headers: Record<string, string> }[] {
  const files = [
    ["src/a.ts", "hard", "soft", "dir-link/deep/b.txt", "large.bin", "sparse", "bytes", "run.sh"],
    ["odd [name]/ü☃ #?%.html", "out", "dangling", "nowhere", "src", "src/a.ts/x"],
  ].flat();
  const raw = files.flatMap((file) => {
    const url = `/sessions/${id}/files/${file.split("/").map(encodeURIComponent).join("/")}`;
    return [
      { method: "GET", url, headers: {} },
      { method: "HEAD", url, headers: {} },
      { method: "GET", url, headers: { range: "bytes=2-9" } },
      { method: "GET", url, headers: { range: "bytes=-1500000" } },
      { method: "GET", url, headers: { range: "bytes=99999999-" } },
      { method: "GET", url, headers: { "if-none-match": "*" } },
      { method: "GET", url, headers: { "if-match": '"other"' } },
    ];
  });
  const others = [
    ...files.map((file) => `/files/read?sessionId=${id}&${new URLSearchParams({ path: file }).toString()}`),
    ...["", "&recursive=true", "&limit=3&offset=1", "&path=src", "&path=dir-link", "&path=soft", "&path=nowhere"].map(
      (query) => `/files/list?sessionId=${id}${query}`,
    ),
    ...["q=needle", "q=needle&glob=**/*.txt", "q=needle&glob=node_modules/**", "q=needle&limit=1", "q=absent"].map(
      (query) => `/sessions/${id}/files/search?${query}`,
    ),
  ];
  return [...raw, ...others.map((url) => ({ method: "GET", url, headers: {} }))];
}

const LIST = `
  mkdir out && tar xzpf archive.tgz -C out --no-same-owner && cd out
  find . -mindepth 1 -type d -printf 'd %m %T@ %p\\n' -o -printf '%y %m %T@ %n %s %p -> %l\\n' | LC_ALL=C sort
  find . -type f -exec sha256sum {} + | LC_ALL=C sort`;

/** What an archive holds, unpacked. */
async function unpacked(id: string): Promise<string[]> {
  const directory = mkdtempSync(path.join(tmpdir(), "buntime-asleep-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const response = await client.request("GET", `/sessions/${id}/archive`);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/gzip"]);
  writeFileSync(path.join(directory, "archive.tgz"), Buffer.from(await response.arrayBuffer()));
  const { stdout, stderr } = spawnSync("sh", ["-c", LIST], { cwd: directory, encoding: "latin1" });
  expect(stderr).toBe("");
  return stdout.split("\n");
}

test("a sleeping session's files are read as if it were awake, and it sleeps on", async () => {
  const { id } = await newSession(client, { idleAfter: "1s", deepSleepAfter: "2s" });
  expect(await client.execute({ sessionId: id, command: MAKE })).toMatchObject({ stderr: "", exitCode: 0 });
  const calls = reads(id);
  const awake: Answer[] = [];
  for (const { method, url, headers } of calls) awake.push(await answerTo(method, url, headers));
  const archive = await unpacked(id);

  await until("the session sleeps", async () => (await state(id)) === "deep-sleep", { deadlineMs: 30_000 });
  for (const [index, { method, url, headers }] of calls.entries()) {
    expect(await answerTo(method, url, headers), `${method} ${url} ${JSON.stringify(headers)}`).toEqual(awake[index]);
  }
  expect(await unpacked(id)).toEqual(archive);
  expect(await state(id)).toBe("deep-sleep");

  // ETags hold across the whole sleep, so what a client had read can still be guarded.
  const url = `/sessions/${id}/files/src/a.ts`;
  const etag = (await answerTo("GET", url, {})).headers["etag"] ?? "";
  const put = await client.request("PUT", url, { body: "changed", headers: { "if-match": etag } });
  expect(put.status).toBe(200);
  expect(await state(id)).toBe("active");
});
