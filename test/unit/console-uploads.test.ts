import { describe, expect, it } from "vitest";
import { createUploads } from "../../src/console/pages/session/files/uploads.ts";
import type { SendOptions, UploadFailure } from "../../src/console/pages/session/files/uploads.ts";
import { until } from "../support/until.ts";

interface Sent extends SendOptions {
  readonly path: string;
  readonly end: (failure: UploadFailure | null) => void;
}

function start(names: readonly string[], left: readonly string[] = []) {
  let kept = left;
  const sent: Sent[] = [];
  let idle = 0;
  const uploads = createUploads<{ readonly size: number }>({
    send: (path, _source, options) => {
      const { promise, resolve } = Promise.withResolvers<UploadFailure | null>();
      sent.push({ path, ...options, end: resolve });
      options.signal.addEventListener("abort", () => resolve({ problem: "aborted", isThere: false }));
      return promise;
    },
    onIdle: () => void (idle += 1),
    journal: { read: () => left, write: (paths) => void (kept = paths) },
  });
  uploads.add(names.map((path) => ({ path, source: { size: 10 } })));
  const states = (): string => uploads.all.value.map(({ state }) => state).join(" ");
  return { uploads, sent, states, idle: () => idle, kept: () => kept };
}

describe("Uploads", () => {
  it("go a few at a time, and say when nothing is under way any more", async () => {
    const { uploads, sent, states, idle } = start(["a", "b", "c", "d"]);
    expect(states()).toBe("running running running waiting");
    sent[0]?.onProgress(4);
    expect(uploads.all.value[0]?.sent).toBe(4);
    sent[0]?.end(null);
    await until("the states of the uploads", () => states() === "done running running running");
    expect(idle()).toBe(0);
    for (const { end } of sent) end(null);
    await until("the states of the uploads", () => !uploads.isBusy.value);
    expect(idle()).toBe(1);
    uploads.clear();
    expect(uploads.all.value).toEqual([]);
  });

  it("can be cancelled while they run and while they wait", async () => {
    const { uploads, sent, states } = start(["a", "b", "c", "d"]);
    uploads.cancel(uploads.all.value[3]?.id ?? 0);
    uploads.cancel(uploads.all.value[0]?.id ?? 0);
    await until("the states of the uploads", () => states() === "cancelled running running cancelled");
    expect(sent.map(({ path }) => path)).toEqual(["a", "b", "c"]);
    uploads.cancelAll();
    await until("the states of the uploads", () => states() === "cancelled cancelled cancelled cancelled");
  });

  it("are tried again when they failed, and write over what is there only when told to", async () => {
    const { uploads, sent, states } = start(["a"]);
    const id = uploads.all.value[0]?.id ?? 0;
    sent[0]?.end({ problem: "it is there", isThere: true });
    await until("the states of the uploads", () => states() === "failed");
    expect(uploads.all.value[0]).toMatchObject({ problem: "it is there", isThere: true });
    uploads.retry(id);
    uploads.retry(id, true);
    expect(sent.map(({ replace }) => replace)).toEqual([false, false]);
    sent[1]?.end({ problem: "lost", isThere: false });
    await until("the states of the uploads", () => states() === "failed");
    uploads.retry(id, true);
    expect(sent.at(-1)?.replace).toBe(true);
    sent.at(-1)?.end(null);
    await until("the states of the uploads", () => states() === "done");
    uploads.retry(id);
    expect(states()).toBe("done");
  });

  it("that were cut off are told by the page that comes after, until they are there or forgotten", async () => {
    const { uploads, sent, kept } = start(["a", "b"], ["a", "z"]);
    expect(uploads.cutOff.value).toEqual(["a", "z"]);
    expect(kept()).toEqual(["a", "z", "b"]);
    sent[0]?.end(null);
    await until("a is there", () => uploads.cutOff.value.length === 1);
    expect(kept()).toEqual(["z", "b"]);
    uploads.cancel(2);
    uploads.forgetCutOff();
    await until("nothing is under way", () => !uploads.isBusy.value);
    expect(kept()).toEqual([]);
  });
});
