import { describe, it } from "vitest";
import * as z from "zod";
import { SessionInfo } from "../../src/contract/session.ts";
import { Snapshot } from "../../src/contract/snapshot.ts";
import { api, connect, dataOf, deleteAfterwards, sessionOf, textOf } from "./connection.ts";

const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

describe("Tools", () => {
  it("are listed with schemas that need no reference and with honest annotations", async ({ expect }) => {
    const { client } = await connect();
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name).toSorted()).toEqual([
      "execute_code",
      "fork",
      "get_preview_url",
      "kill_process",
      "list_files",
      "list_processes",
      "list_snapshots",
      "read_file",
      "restore",
      "run_command",
      "run_in_context",
      "search_files",
      "snapshot",
      "start_service",
      "write_file",
    ]);
    expect(JSON.stringify(tools)).not.toContain("$ref");
    const readOnly = tools.filter(({ annotations }) => annotations?.readOnlyHint === true).map(({ name }) => name);
    expect(readOnly.toSorted()).toEqual([
      "get_preview_url",
      "list_files",
      "list_processes",
      "list_snapshots",
      "read_file",
      "search_files",
    ]);
    for (const { description, inputSchema, outputSchema } of tools) {
      expect(description?.length).toBeGreaterThan(20);
      expect(inputSchema).toMatchObject({ type: "object", properties: { session: { type: "string" } } });
      expect(outputSchema).toMatchObject({ type: "object" });
    }
  });

  it("run code in another language where the machine has it, and else say what it has", async ({ expect }) => {
    const { call } = await connect();
    const machine = await call("run_command", { command: "command -v python3" });
    const python = await call("execute_code", { language: "py", code: "print(f'{6 * 7}')" });
    if (textOf(machine).startsWith("Exit code 0")) expect(python.structuredContent).toMatchObject({ stdout: "42\n" });
    else expect(textOf(python)).toContain("python");
    expect((await call("execute_code", { language: "cobol", code: "1" })).isError).toBe(true);
  });

  it("run code and commands, and give a program's failure as an answer", async ({ expect }) => {
    const { call } = await connect();
    const fine = await call("execute_code", { code: "console.log(6 * 7 as number)" });
    expect(fine.isError).not.toBe(true);
    expect(textOf(fine)).toMatch(/^Exit code 0, [\d.]+ s\.\nstdout:\n42\n/);
    expect(fine.structuredContent).toMatchObject({ stdout: "42\n", exitCode: 0, timedOut: false });

    const thrown = await call("execute_code", { code: "throw new Error('boom')" });
    expect(thrown.isError).not.toBe(true);
    expect(thrown.structuredContent).toMatchObject({ exitCode: 1 });
    expect(textOf(thrown)).toContain("boom");

    const left = await call("run_command", { command: "echo hi | tee a.txt; exit 3", env: { A: "1" } });
    expect(left.structuredContent).toMatchObject({ exitCode: 3, stdout: "hi\n", filesWritten: ["a.txt"] });
    expect(textOf(left)).toContain("Files written: a.txt");

    const slow = await call("run_command", { command: "sleep 100", timeout: 0.2 });
    expect(slow.isError).not.toBe(true);
    expect(slow.structuredContent).toMatchObject({ timedOut: true });
    expect(textOf(slow)).toContain("background: true");
  });

  it("run code in steps, with variables that stay and pictures that are shown", async ({ expect }) => {
    const { call } = await connect();
    const language = "typescript";
    const [first, second] = await Promise.all([
      call("run_in_context", { language, code: "var a: number = 40" }),
      call("run_in_context", { language, code: "var b = 2" }),
    ]);
    expect([textOf(first), textOf(second)]).toEqual([expect.any(String), expect.any(String)]);
    const sum = await call("run_in_context", { language, code: "console.log('sum'); a + b" });
    expect(textOf(sum)).toMatch(/^stdout:\nsum\n42/);
    expect(sum.structuredContent).toMatchObject({ results: [{ text: "42" }], error: null, lost: null });

    const failed = await call("run_in_context", { language, code: "missing" });
    expect(failed.isError).not.toBe(true);
    expect(textOf(failed)).toContain("ReferenceError");

    const code = `display(new Blob([Uint8Array.fromBase64("${PIXEL}")], { type: "image/png" }))`;
    const shown = await call("run_in_context", { language, code });
    expect(shown.content).toContainEqual({ type: "image", data: PIXEL, mimeType: "image/png" });
  });

  it("leave out the middle of long output, and say so", async ({ expect }) => {
    const { call } = await connect();
    const long = await call("run_command", { command: "echo first; yes | head -n 100000; echo last" });
    expect(textOf(long).length).toBeLessThan(40_000);
    expect(textOf(long)).toMatch(/first[\s\S]*characters are left out here[\s\S]*last/);
    expect(long.structuredContent).toMatchObject({ truncated: true, exitCode: 0 });
  });

  it("write, read, list and search files", async ({ expect }) => {
    const { call } = await connect();
    const lines = Array.from({ length: 3000 }, (_, index) => `line ${index + 1}`);
    const written = await call("write_file", { path: "notes/löng.txt", content: `${lines.join("\n")}\n` });
    expect(written.structuredContent).toMatchObject({ path: "notes/löng.txt" });

    const head = await call("read_file", { path: "notes/löng.txt" });
    expect(textOf(head)).toMatch(/^line 1\nline 2\n/);
    expect(textOf(head)).toContain("3000 lines in all. Go on with firstLine 2001.");
    expect(head.structuredContent).toMatchObject({ totalLines: 3000, truncated: true });
    const rest = await call("read_file", { path: "notes/löng.txt", firstLine: 2999 });
    expect(textOf(rest)).toBe("line 2999\nline 3000");
    expect(rest.structuredContent).toMatchObject({ truncated: false });

    await call("write_file", { path: "dot.png", content: PIXEL, encoding: "base64" });
    const image = await call("read_file", { path: "dot.png" });
    expect(image.content).toContainEqual({ type: "image", data: PIXEL, mimeType: "image/png" });

    const list = await call("list_files", { recursive: true, limit: 2 });
    expect(textOf(list)).toBe(`dot.png (70 bytes)\nnotes/\n(3 in all. Go on with offset 2.)`);
    const found = await call("search_files", { q: "line 2024", glob: "notes/**" });
    expect(textOf(found)).toBe("notes/löng.txt:2024: line 2024");
    expect(textOf(await call("search_files", { q: "nowhere at all" }))).toBe("No line holds that.");
  });

  it("start a service that its preview URL shows, list it and end its processes", async ({ expect }) => {
    const { call } = await connect();
    const code = "Bun.serve({ port: 3000, fetch: () => new Response(`hello from a service`) })";
    const service = { name: "web", command: `exec bun -e '${code}'`, port: 3000 };
    const started = await call("start_service", service);
    expect(started.structuredContent).toMatchObject({ service: { name: "web", status: "running" } });

    const url = await call("get_preview_url", { port: 3000 });
    const { id } = await api.ask(SessionInfo, "GET", `/sessions/${sessionOf(url)}`);
    expect(url.structuredContent).toMatchObject({
      url: `http://${id.replace("_", "-")}-3000.${api.domain}`,
      port: 3000,
    });
    const preview = await api.preview(id, "/", { port: 3000 });
    expect(await preview.toArray().then((chunks) => Buffer.concat(chunks).toString())).toBe("hello from a service");

    // A second one does not take the place of the first, and the same one again does.
    await call("start_service", { name: "other", command: "exec sleep 1000" });
    await call("start_service", service);
    const processes = await call("list_processes");
    expect(textOf(processes)).toContain("listens on 3000");
    expect(textOf(processes)).toMatch(/service other: running[^]*service web: running/);

    const killed = await call("kill_process");
    expect(killed.structuredContent).toMatchObject({ killed: 2 });
  });

  it("start services at the same time, and each of them stays", async ({ expect }) => {
    const { call } = await connect();
    await call("run_command", { command: "true" });
    const names = ["a", "b", "c", "d"];
    const started = await Promise.all(names.map((name) => call("start_service", { name, command: "exec sleep 1000" })));
    expect(started.map(({ structuredContent }) => structuredContent)).toEqual(
      names.map((name) => expect.objectContaining({ service: expect.objectContaining({ name, status: "running" }) })),
    );
    const { services } = await api.ask(SessionInfo, "GET", `/sessions/${sessionOf(await call("list_processes"))}`);
    expect(services.map(({ name }) => name).toSorted()).toEqual(names);
  });

  it("give a private preview's URL with its token", async ({ expect }) => {
    const session = await api.createSession({ preview: "private" });
    deleteAfterwards(session.id);
    const { call } = await connect();
    const url = await call("get_preview_url", { session: session.id });
    expect(textOf(url)).toMatch(/\?token=btp_/);
  });

  it("snapshot, restore and fork", async ({ expect }) => {
    const { call } = await connect();
    await call("write_file", { path: "a.txt", content: "before" });
    const snapshot = await call("snapshot", { label: "first" });
    const snapshotId = dataOf(Snapshot, snapshot).snapshotId;
    expect(textOf(await call("list_snapshots"))).toContain(`${snapshotId} (first)`);

    await call("write_file", { path: "a.txt", content: "after" });
    const fork = await call("fork", { snapshotId });
    const { id } = dataOf(z.object({ fork: z.object({ id: z.string() }) }), fork).fork;
    deleteAfterwards(id);
    const inFork = await call("read_file", { path: "a.txt", session: id });
    expect(textOf(inFork)).toBe("before");
    expect(sessionOf(inFork)).toBe(id);
    expect(textOf(await call("read_file", { path: "a.txt" }))).toBe("after");

    const restored = await call("restore", { snapshotId });
    expect(textOf(restored)).toMatch(/To undo this, restore snp_/);
    expect(textOf(await call("read_file", { path: "a.txt" }))).toBe("before");
  });

  it("tell a refusal of the platform as an error with its code and the next step", async ({ expect }) => {
    const { call } = await connect();
    const missing = await call("read_file", { path: "nothing.txt" });
    expect(missing).toMatchObject({ isError: true, _meta: { "buntime/error": { code: "file_not_found" } } });
    expect(textOf(missing)).toMatch(/^file_not_found: .*list_files/);

    const elsewhere = await call("run_command", { command: "true", session: "no-such-session" });
    expect(textOf(elsewhere)).toMatch(/^session_not_found: .*Leave `session` out/);
    expect(elsewhere.isError).toBe(true);

    const outside = await call("write_file", { path: "../outside", content: "" });
    expect(outside).toMatchObject({ isError: true, _meta: { "buntime/error": { code: "invalid_request" } } });
    const foreign = await call("restore", { snapshotId: `snp_${"0".repeat(20)}` });
    expect(textOf(foreign)).toMatch(/^snapshot_not_found: .*list_snapshots/);
    const wrong = await call("read_file", { pat: "a.txt" });
    expect(wrong.isError).toBe(true);
    expect(textOf(wrong)).toContain("path");
  });
});

describe("Resources", () => {
  it("are the files of the session, as text and as bytes, page by page", async ({ expect }) => {
    const { client, call } = await connect();
    expect(await client.listResources()).toMatchObject({ resources: [] });
    const many = Array.from({ length: 120 }, (_, index) => ({
      path: `many/${String(index).padStart(3, "0")} ü.txt`,
      content: `${index}`,
    }));
    const first = await call("execute_code", { code: "1", files: many });
    const session = sessionOf(first);
    await call("write_file", { path: "dot.png", content: PIXEL, encoding: "base64" });

    const { resources } = await client.listResources();
    expect(resources).toHaveLength(121);
    expect(resources).toContainEqual(
      expect.objectContaining({
        uri: `buntime://${session}/many/007%20%C3%BC.txt`,
        mimeType: "text/plain;charset=utf-8",
      }),
    );
    const text = await client.readResource({ uri: `buntime://${session}/many/007%20%C3%BC.txt` });
    expect(text.contents).toMatchObject([{ text: "7", mimeType: "text/plain;charset=utf-8" }]);
    const bytes = await client.readResource({ uri: `buntime://${session}/dot.png` });
    expect(bytes.contents).toMatchObject([{ blob: PIXEL, mimeType: "image/png" }]);
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates).toMatchObject([{ uriTemplate: "buntime://{session}/{+path}" }]);
  });

  it("that do not exist or are no names of files are refused", async ({ expect }) => {
    const { client, call } = await connect();
    const session = sessionOf(await call("run_command", { command: "true" }));
    for (const path of [`${session}/none.txt`, "no-such-session/a.txt", `${session}/..%2f..%2fetc%2fpasswd`]) {
      await expect(client.readResource({ uri: `buntime://${path}` })).rejects.toThrow(/exist|session|workspace/);
    }
    for (const uri of ["file:///etc/passwd", "buntime://a b/c", `buntime://${session}/%ff`, "buntime://", "nonsense"]) {
      await expect(client.readResource({ uri })).rejects.toMatchObject({ code: -32_602 });
    }
    await expect(client.request({ method: "resources/list", params: { cursor: "-1" } })).rejects.toMatchObject({
      code: -32_602,
    });
  });
});
