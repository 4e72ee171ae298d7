import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { parseContext } from "../../../container/supervisor/context/context-files.ts";
import { mergeDropped, parseEvent, toDropped } from "../../../container/supervisor/context/kernel-events.ts";
import { lossBefore } from "../../../container/supervisor/context/loss.ts";
import { MarkSplitter } from "../../../container/supervisor/context/mark-splitter.ts";

describe("the mark in the output", () => {
  const NONCE = "abcabcabd";
  const MARK = `\u001E${NONCE}\n`;
  // Pieces that look like the mark, and its beginnings.
  const noise = fc.array(fc.constantFrom("x", "\n", "\u001E", "\u001Eabc", "\u001Eabcabcab", "abcabcabd\n"), {
    maxLength: 12,
  });

  test("is found wherever it is cut, and nothing but it is taken away", () => {
    fc.assert(
      fc.property(noise, noise, fc.array(fc.nat(60), { maxLength: 8 }), (before, after, cuts) => {
        const first = before.join("");
        fc.pre(!`${first}${MARK}`.slice(0, -1).includes(MARK));
        const bytes = Buffer.from(`${first}${MARK}${after.join("")}`);
        const got = { before: "", after: "" };
        let found = 0;
        const splitter = new MarkSplitter((piece) => {
          got[found === 0 ? "before" : "after"] += Buffer.from(piece).toString();
        });
        splitter.expect(NONCE, () => found++);
        let from = 0;
        for (const cut of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
          splitter.take(bytes.subarray(from, Math.max(from, Math.min(cut, bytes.length))));
          from = Math.max(from, Math.min(cut, bytes.length));
        }
        splitter.end();
        expect({ ...got, found }).toEqual({ before: first, after: after.join(""), found: 1 });
      }),
    );
  });

  test("that never comes holds nothing back in the end", () => {
    let got = "";
    const splitter = new MarkSplitter((piece) => (got += Buffer.from(piece).toString()));
    splitter.expect(NONCE, () => {});
    splitter.take(Buffer.from("text\u001Eabc"));
    expect(got).toBe("text");
    splitter.end();
    expect(got).toBe("text\u001Eabc");
  });
});

describe("what an interpreter says", () => {
  test("is an event of the contract's shape or nothing, whatever it is", () => {
    fc.assert(
      fc.property(fc.json(), (line) => {
        expect(parseEvent(line)?.event ?? "none").toBeString();
      }),
    );
    expect(parseEvent("{")).toBeNull();
    expect(parseEvent('{"event":"result","id":1,"result":{"type":"nonsense"}}')).toBeNull();
    expect(
      parseEvent('{"event":"result","id":1,"result":{"type":"table","rows":[1,[2]],"columns":[3],"data":4}}'),
    ).toEqual({ event: "result", id: 1, result: { type: "table", main: false, text: "", columns: [""], rows: [[2]] } });
    expect(parseEvent('{"event":"done","id":1,"error":{"name":1,"traceback":["a",2,"b"],"line":1.5}}')).toEqual({
      event: "done",
      id: 1,
      error: { name: "", message: "", traceback: ["a"], line: null, column: null },
    });
  });

  test("of dropped values is bounded, and each name comes once", () => {
    const many = Array.from({ length: 5000 }, (_, at) => ({
      name: `n${at % 10}`.repeat(500),
      reason: "r".repeat(9000),
    }));
    const dropped = mergeDropped(toDropped(many), toDropped(many));
    expect(dropped).toHaveLength(10);
    expect(dropped[0]?.name.length).toBeLessThan(300);
    expect(dropped[0]?.reason.length).toBeLessThan(1100);
  });
});

describe("a context's file", () => {
  const kept = {
    id: "ctx_00000000000000000001",
    language: "python",
    name: null,
    createdAt: "2026-01-01T00:00:00.000Z",
    lastRunAt: null,
    workingDir: "/workspace",
    startedAt: "2026-01-02T00:00:00.000Z",
    lost: null,
    runs: 3,
    savedAt: null,
    unsavedSince: null,
    dropped: [],
  } as const;

  test("is read as it was written, and nothing else is taken for one", () => {
    expect(parseContext(kept.id, JSON.stringify(kept))).toEqual(kept);
    expect(parseContext("ctx_00000000000000000002", JSON.stringify(kept))).toBeNull();
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(parseContext(kept.id, text)).toBeNull();
      }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(kept)), fc.jsonValue(), (name, value) => {
        const parsed = parseContext(kept.id, JSON.stringify({ ...kept, [name]: value }));
        if (parsed !== null) expect(Object.keys(parsed).toSorted()).toEqual(Object.keys(kept).toSorted());
      }),
    );
  });

  test("tells the loss that the supervisor saw before that of the container, and what was not saved last", () => {
    const own = { at: "2026-01-03T00:00:00.000Z", reason: "a crash" };
    const loss = { at: "2026-01-04T00:00:00.000Z", reason: "a lost container" };
    expect(lossBefore({ ...kept, lost: own }, loss)).toBe(own);
    expect(lossBefore(kept, loss)).toBe(loss);
    expect(lossBefore(kept, { ...loss, at: "2026-01-01T12:00:00.000Z" })).toBeNull();
    expect(lossBefore(kept, null)).toBeNull();
    expect(lossBefore({ ...kept, unsavedSince: own.at }, null)?.at).toBe(own.at);
  });
});
