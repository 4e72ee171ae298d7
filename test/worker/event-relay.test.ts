import { expect, it } from "vitest";
import { relayEvents } from "../../src/session/event-relay.ts";

const LOST = JSON.stringify({ error: { code: "container_unavailable" } });
const stdout = (seq: number): string => `event: stdout\nid: ${seq}\ndata: {"seq":${seq},"data":"\\nid: 99"}\n\n`;

/** What a reader gets of a source that says this, piece by piece, and breaks off. */
async function told(pieces: readonly string[], cut = new AbortController().signal): Promise<string> {
  const left = pieces.map((piece) => new TextEncoder().encode(piece));
  const source = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = left.shift();
      if (piece === undefined) {
        controller.error(new Error("the container is gone"));
      } else {
        controller.enqueue(piece);
      }
    },
  });
  const relayed = relayEvents(source, {
    seen: () => {},
    sent: () => {},
    cut,
    broken: async () => ({ event: "error", data: LOST }),
    ended: () => {},
    drain: true,
  });
  return new Response(relayed).text();
}

const ending = (seq: number): string => `event: error\nid: ${seq}\ndata: ${LOST}\n\n`;

it("a stream that breaks in the middle of an event ends with a whole one", async () => {
  const half = stdout(3).slice(0, 30);
  expect(await told([stdout(1) + stdout(2) + half])).toBe(stdout(1) + stdout(2) + ending(2));
  expect(await told([stdout(1), stdout(2).slice(0, 20), `${stdout(2).slice(20)}${half}`, "more of it"])).toBe(
    stdout(1) + stdout(2) + ending(2),
  );
});

it("a stream that breaks names the last piece of output that came, whatever came after that", async () => {
  const comment = ":\n\n";
  expect(await told([comment, stdout(54) + stdout(55), comment, "event: stdout\nid: 56"])).toBe(
    comment + stdout(54) + stdout(55) + comment + ending(55),
  );
  expect(await told([])).toBe(ending(0));
  expect(await told([comment])).toBe(comment + ending(0));
});

it("who may read no longer before a stream begins gets nothing of it", async () => {
  await expect(told([stdout(1)], AbortSignal.abort(new Error("revoked")))).rejects.toThrow();
});
