// Finding lines in the workspace, and taking the whole of it out and in.
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { SearchAnswer } from "../../src/contract/files.ts";
import { newSession, platformOfRun, problem } from "../support/e2e.ts";

const client = platformOfRun();

const search = (sessionId: string, query: Record<string, string>): Promise<SearchAnswer> =>
  client.ask(SearchAnswer, "GET", `/sessions/${sessionId}/files/search?${new URLSearchParams(query).toString()}`);

describe("search", () => {
  test("finds the lines that hold a text, with path and line number", async () => {
    const { id } = await newSession(client);
    await client.execute({
      sessionId: id,
      files: [
        { path: "src/a.ts", content: "one\nneedle two\nthree needle\n" },
        { path: "b.md", content: "needle [.*\n" },
        { path: ".buntime/home/c.txt", content: "needle\n" },
      ],
      command: "printf 'needle\\000' > binary.bin",
    });
    const { matches, truncated } = await search(id, { q: "needle" });
    expect(matches.filter(({ path }) => path !== "binary.bin")).toEqual([
      { path: "b.md", line: 1, text: "needle [.*" },
      { path: "src/a.ts", line: 2, text: "needle two" },
      { path: "src/a.ts", line: 3, text: "three needle" },
    ]);
    expect(truncated).toBe(false);
    expect((await search(id, { q: "needle", glob: "src/**/*.ts" })).matches.length).toBe(2);
    expect((await search(id, { q: "[.*" })).matches).toEqual([{ path: "b.md", line: 1, text: "needle [.*" }]);
    expect(await search(id, { q: "needle", limit: "1" })).toMatchObject({ truncated: true, matches: [{ line: 1 }] });
    expect(await search(id, { q: "absent" })).toEqual({ matches: [], truncated: false });
  });

  test("does not follow links out, nor hang on a fifo or an endless line", async () => {
    const { id } = await newSession(client);
    await client.execute({
      sessionId: id,
      command:
        "ln -s /etc etc; mkfifo fifo; head -c 5000000 /dev/zero | tr '\\0' x > long; echo needle >> long; echo root: > real",
    });
    expect((await search(id, { q: "root:" })).matches.map(({ path }) => path)).toEqual(["real"]);
    const [match] = (await search(id, { q: "needle" })).matches;
    expect(match?.path).toBe("long");
    expect(match?.text.length).toBeLessThanOrEqual(512);
  });

  test("without a text, or with nonsense, is refused", async () => {
    const { id } = await newSession(client);
    for (const query of ["", "q=", `q=${"x".repeat(1025)}`, "q=a&limit=0", "q=a&limit=1001"]) {
      expect(await problem(client, "GET", `/sessions/${id}/files/search?${query}`)).toMatchObject({ status: 400 });
    }
  });
});

describe("archive", () => {
  const Unpacked = z.object({ files: z.number() });

  const put = async (id: string, body: Uint8Array<ArrayBuffer>): Promise<Response> =>
    await client.request("PUT", `/sessions/${id}/archive`, { body, headers: { "content-type": "application/gzip" } });

  test("taken from one session and put into another, brings the files over", async () => {
    const [{ id: from }, { id: to }] = await Promise.all([newSession(client), newSession(client)]);
    await client.execute({
      sessionId: from,
      command:
        "mkdir -p a/b; echo 1 > a/b/c.txt; ln -s b/c.txt a/link; printf '#!/bin/sh\\necho ran' > run.sh; chmod +x run.sh; echo ü > ü.txt",
    });
    const response = await client.request("GET", `/sessions/${from}/archive`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/gzip");
    const archive = new Uint8Array(await response.arrayBuffer());

    await client.execute({ sessionId: to, command: "echo stays > other.txt" });
    const answer = await put(to, archive);
    expect(answer.status).toBe(200);
    expect(Unpacked.parse(await answer.json()).files).toBeGreaterThan(0);
    expect(
      await client.execute({ sessionId: to, command: "cat a/link ü.txt other.txt; ./run.sh; ls -A | grep -c buntime" }),
    ).toMatchObject({
      stdout: "1\nü\nstays\nran\n1\n",
    });
  });

  test("what is no archive is refused, and the session stays usable", async () => {
    const { id } = await newSession(client);
    for (const body of [Buffer.from("no archive"), gzipSync("no tar"), Buffer.alloc(0)]) {
      const response = await put(id, new Uint8Array(body));
      expect(response.status).toBe(400);
    }
    expect(await client.execute({ sessionId: id, command: "echo ok" })).toMatchObject({ stdout: "ok\n" });
  });

  test("entries that lead out do not get out", async () => {
    const { id } = await newSession(client);
    const made = await client.execute({
      sessionId: id,
      encoding: "base64",
      command: "mkdir m; cd m; echo evil > f; tar czf - --transform='s,^f,../../tmp/evil-archive,' f",
    });
    const response = await put(id, new Uint8Array(Buffer.from(made.stdout, "base64")));
    expect(response.status).toBeLessThan(500);
    expect(await client.execute({ sessionId: id, command: "cat /tmp/evil-archive ../tmp/evil-archive" })).toMatchObject(
      { stdout: "" },
    );

    const link = await client.execute({
      sessionId: id,
      encoding: "base64",
      command:
        "mkdir l; cd l; ln -s /tmp d; tar cf ../l.tar d; rm d; mkdir d; echo evil > d/evil-link; tar rf ../l.tar d/evil-link; gzip -c ../l.tar",
    });
    expect((await put(id, new Uint8Array(Buffer.from(link.stdout, "base64")))).status).toBeLessThan(500);
    expect(await client.execute({ sessionId: id, command: "cat /tmp/evil-link" })).toMatchObject({ stdout: "" });
  });
});
