// The Python kernel by itself: whatever the values are, they come back equal, and shared where they were shared.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as fc from "fast-check";
import { Interpreter } from "../../../container/supervisor/context/interpreter.ts";
import { KernelPipes } from "../../../container/supervisor/context/kernel-pipes.ts";
import { launch } from "../../../container/supervisor/process/launch.ts";
import { SLOW_MS } from "../process/harness.ts";
import { hasPython, PROGRAMS } from "./contexts.ts";

const KERNEL = new URL("../../../container/supervisor/context/kernels/python.py", import.meta.url).pathname;

class TestKernel {
  readonly #interpreter: Interpreter;
  #printed = "";

  constructor(directory: string) {
    const pipes = new KernelPipes();
    const started = launch({
      argv: ["python3", KERNEL],
      workingDir: directory,
      env: { ...PROGRAMS, PYTHONDONTWRITEBYTECODE: "1" },
      stdin: undefined,
      further: pipes.theirs,
      user: { kind: "same" },
      namespace: null,
    });
    this.#interpreter = new Interpreter("context:test", { ...started, userPid: null }, pipes);
    pipes.release();
  }

  /** What it prints. */
  async run(code: string): Promise<string> {
    this.#printed = "";
    const take = (_: string, bytes: Uint8Array): void => void (this.#printed += Buffer.from(bytes).toString());
    const sink = { take, show: () => {} };
    const answer = await this.#interpreter.run({ code, filename: "<run 1>", env: {} }, sink);
    expect(answer?.error ?? null).toBeNull();
    return this.#printed;
  }

  async values(op: "save" | "restore", directory: string): Promise<void> {
    expect(await this.#interpreter.values(op, { directory })).toMatchObject({ dropped: [], failed: null });
  }

  async end(): Promise<void> {
    this.#interpreter.kill();
    await this.#interpreter.ended;
  }
}

describe.skipIf(!hasPython)("values that are saved and brought back", () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(`${tmpdir()}/buntime-values-`);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const leaf = fc.oneof(
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: "binary", maxLength: 8 }),
  );
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie("tree"), { maxLength: 4 }),
      fc.dictionary(fc.string({ maxLength: 5 }), tie("tree"), { maxKeys: 4 }),
    ),
  }));
  const links = fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { maxLength: 20 });

  test(
    "are equal, and as shared and as cyclic as they were",
    async () => {
      const property = fc.asyncProperty(
        fc.array(tree, { minLength: 1, maxLength: 10 }),
        links,
        fc.constantFrom("{'value': value, 'to': []}", "Box(value)"),
        async (trees, edges, box) => {
          const before = new TestKernel(directory);
          const json = JSON.stringify(JSON.stringify(trees));
          await before.run(`
import json
class Box(dict):
    def __init__(self, value): self.update(value=value, to=[])
boxes = []
for number, value in enumerate(json.loads(${json})):
    boxes.append(${box})
    globals()[f"box{number}"] = boxes[-1]
for a, b in ${JSON.stringify(edges)}: boxes[a % len(boxes)]["to"].append(boxes[b % len(boxes)])
def shape():
    at = {id(box): number for number, box in enumerate(boxes)}
    named = [at[id(globals()[f"box{number}"])] for number in at.values()]
    seen = [[box["value"], type(box).__name__, [at[id(other)] for other in box["to"]]] for box in boxes]
    print(json.dumps([seen, named]))`);
          const expected = await before.run("shape()");
          await before.values("save", directory);
          await before.end();
          const after = new TestKernel(directory);
          await after.values("restore", directory);
          expect(await after.run("shape()")).toBe(expected);
          await after.end();
        },
      );
      await fc.assert(property, { numRuns: 20 });
    },
    2 * SLOW_MS,
  );
});
