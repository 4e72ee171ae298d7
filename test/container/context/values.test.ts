// The Python kernel by itself: whatever the values are, they come back equal, and shared where they were shared.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as fc from "fast-check";
import { SLOW_MS } from "../process/harness.ts";
import { hasPython } from "./contexts.ts";
import { PythonKernel } from "./python-kernel.ts";

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
          const before = new PythonKernel(directory);
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
          expect(await before.values("save", directory)).toEqual([]);
          await before.end();
          const after = new PythonKernel(directory);
          expect(await after.values("restore", directory)).toEqual([]);
          expect(await after.run("shape()")).toBe(expected);
          await after.end();
        },
      );
      await fc.assert(property, { numRuns: 20 });
    },
    2 * SLOW_MS,
  );
});
