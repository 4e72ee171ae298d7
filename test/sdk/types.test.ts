// What TypeScript makes of the SDK. Checked by `npm run check:types`; that the calls are there is checked here, too.
import { describe, expectTypeOf, test } from "vitest";
import { Buntime, BuntimeError } from "../../src/sdk/index.ts";
import type {
  BuntimeErrorCode,
  ExecuteResult,
  ExecutionStream,
  FileContent,
  FileEntries,
  FileEntry,
  FileWritten,
  OutputEvent,
  Session,
  SessionHandle,
  SessionInfo,
  SessionList,
  Terminal,
  Event as PlatformEvent,
} from "../../src/sdk/index.ts";

const client = new Buntime({ baseUrl: "http://127.0.0.1:1", apiKey: "btk_x" });
const sessionId = "ses_x";
/** Seen by the compiler, not run. */
const unrun = (call: () => unknown): void => {
  expectTypeOf(call).toBeFunction();
};

describe("the SDK's types", () => {
  test("give what is read in the form that was asked for", () => {
    unrun(() => {
      expectTypeOf(client.files.read({ sessionId, path: "a" })).resolves.toEqualTypeOf<string | Uint8Array>();
      expectTypeOf(client.files.read({ sessionId, path: "a", as: "text" })).resolves.toEqualTypeOf<string>();
      expectTypeOf(client.files.read({ sessionId, path: "a", as: "bytes" })).resolves.toExtend<Uint8Array>();
      expectTypeOf(client.files.read({ sessionId, path: "a", as: "stream" })).resolves.toEqualTypeOf<
        ReadableStream<Uint8Array>
      >();
      expectTypeOf(client.files.read({ sessionId, path: "a", as: "info" })).resolves.toEqualTypeOf<FileContent>();
      // @ts-expect-error -- no such form
      void client.files.read({ sessionId, path: "a", as: "json" });
    });
  });

  test("make of a list an array with a total", () => {
    unrun(() => {
      expectTypeOf(client.files.list({ sessionId })).resolves.toEqualTypeOf<FileEntries>();
      expectTypeOf<FileEntries>().toExtend<FileEntry[]>();
      expectTypeOf<FileEntries["total"]>().toEqualTypeOf<number>();
      expectTypeOf(client.sessions.list()).resolves.toEqualTypeOf<SessionList>();
    });
  });

  test("ask for a session where none is known, and refuse one where it is", () => {
    unrun(async () => {
      const session = await client.sessions.create();
      expectTypeOf(session).toEqualTypeOf<SessionHandle>();
      expectTypeOf(session).toExtend<Session>();
      expectTypeOf(session.state).toEqualTypeOf<"active" | "idle" | "deep-sleep">();
      expectTypeOf(session.info()).resolves.toEqualTypeOf<SessionInfo>();
      expectTypeOf(session.files.list()).resolves.toEqualTypeOf<FileEntries>();
      expectTypeOf(session.files.read({ path: "a", as: "text" })).resolves.toEqualTypeOf<string>();
      expectTypeOf(session.execute({ code: "1" })).resolves.toEqualTypeOf<ExecuteResult>();
      expectTypeOf(session.execute.stream({ command: "true" })).toEqualTypeOf<ExecutionStream>();
      // @ts-expect-error -- which session?
      void client.files.list();
      // @ts-expect-error -- which session?
      void client.files.read({ path: "a" });
      // @ts-expect-error -- this one
      void session.files.read({ path: "a", sessionId });
      // @ts-expect-error -- this one
      void session.execute({ code: "1", sessionId });
      // @ts-expect-error -- which session?
      void client.snapshots.create();
      void session.snapshots.create();
      void session.snapshots.create({ label: "x" });
      // @ts-expect-error -- which snapshot?
      void session.snapshots.get({});
    });
  });

  test("write one file or several", () => {
    unrun(() => {
      expectTypeOf(client.files.write({ sessionId, path: "a", content: "b" })).resolves.toEqualTypeOf<FileWritten>();
      const files = [{ path: "a", content: new Uint8Array() }];
      expectTypeOf(client.files.write({ sessionId, files })).resolves.toEqualTypeOf<{ files: FileWritten[] }>();
      // @ts-expect-error -- a number is no content
      void client.files.write({ sessionId, path: "a", content: 1 });
    });
  });

  test("tell output and events apart by their type", () => {
    expectTypeOf<ExecutionStream>().toExtend<AsyncIterable<OutputEvent>>();
    expectTypeOf<OutputEvent["type"]>().toEqualTypeOf<"stdout" | "stderr">();
    expectTypeOf<OutputEvent["data"]>().toEqualTypeOf<string | Uint8Array>();
    unrun(() => {
      expectTypeOf(client.events.follow()).toExtend<AsyncIterable<PlatformEvent>>();
      expectTypeOf(client.execute.stream({ code: "1" }).result).resolves.toEqualTypeOf<ExecuteResult>();
    });
  });

  test("name the errors", () => {
    expectTypeOf<BuntimeError["code"]>().toEqualTypeOf<BuntimeErrorCode>();
    expectTypeOf<"session_not_found" | "network_error" | "timeout" | "aborted">().toExtend<BuntimeErrorCode>();
    expectTypeOf<BuntimeError["retryAfter"]>().toEqualTypeOf<number | null>();
    // @ts-expect-error -- no such code
    void new BuntimeError("x", { code: "nonsense" });
  });

  test("leave nothing as any", () => {
    expectTypeOf<Session["metadata"]>().not.toBeAny();
    expectTypeOf<ExecuteResult>().not.toBeAny();
    expectTypeOf<PlatformEvent["data"]>().not.toBeAny();
    unrun(() => expectTypeOf(client.terminal.open({ sessionId })).resolves.toEqualTypeOf<Terminal>());
  });

  test("dispose of a session at the end of a block", () => {
    expectTypeOf<SessionHandle>().toExtend<AsyncDisposable>();
  });
});
