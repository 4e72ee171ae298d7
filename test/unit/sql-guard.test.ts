import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { refusalOf } from "../../src/data/sql-guard.ts";

describe("a WITH that reads itself", () => {
  test.each([
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c",
    "WITH c AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c",
    "with c(x) as materialized (values(1) union select x+1 from C) select * from c",
    "WITH c(x) AS NOT MATERIALIZED (VALUES(1) UNION SELECT x+1 FROM c) SELECT 1",
    'WITH "a b"(x) AS (SELECT 1 UNION ALL SELECT x FROM [a b]) SELECT 1 FROM "a b"',
    "WITH c(x) AS (SELECT 1 UNION ALL SELECT x FROM 'c') SELECT 1 FROM c",
    "WITH c(x) AS (SELECT 1 UNION ALL SELECT x FROM `C`) SELECT 1 FROM c",
    "WITH a AS (SELECT 1), c(x) AS (SELECT 1 UNION ALL SELECT x FROM a, c) SELECT 1 FROM c",
    "WITH c(x) AS (SELECT 1 UNION ALL SELECT x FROM a JOIN b ON a.x = b.x, c) SELECT 1 FROM c",
    "WITH c(x) AS (SELECT 1 UNION ALL SELECT x FROM a JOIN b ON a.x = b.x JOIN c) SELECT 1 FROM c",
    "WITH c(x) AS (SELECT 1 UNION ALL SELECT x FROM (a JOIN c)) SELECT 1 FROM c",
    "WITH/**/c(x)/* AS */AS--\n(SELECT 1 UNION ALL SELECT x FROM/*,*/c)SELECT 1 FROM c",
    "WITH c(x) AS (SELECT 1 UNION ALL SELECT x FROM c WHERE x < (SELECT 5 LIMIT 5)) SELECT 1 FROM c",
    "WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 100001) SELECT 1 FROM c",
    "WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT -1) SELECT 1 FROM c",
    "WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 1e9) SELECT 1 FROM c",
    "WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT ?) SELECT 1 FROM c",
    "CREATE VIEW v AS WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c",
    "SELECT (WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c)",
    "WITH o AS (WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c) SELECT 1 FROM o",
  ])("is refused without an end: %s", (sql) => {
    expect(refusalOf(sql)).toContain("LIMIT");
  });

  test.each([
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 100000) SELECT count(*) FROM c",
    "WITH RECURSIVE tree AS (SELECT id FROM node UNION ALL SELECT n.id FROM node n JOIN tree ON n.up = tree.id LIMIT 10) SELECT 1",
    "WITH total AS (SELECT sum(x) AS total, max(x) AS total FROM t) SELECT total FROM total",
    "WITH t AS (SELECT 1 FROM main.t) SELECT * FROM t",
    "SELECT 'WITH c AS (SELECT 1 FROM c)'",
    "SELECT 1 -- WITH c AS (SELECT 1 FROM c)",
    "CREATE TABLE t (a, b GENERATED ALWAYS AS (a + 1))",
    "SELECT a AS c FROM t WHERE a IN (SELECT c FROM t)",
  ])("and what has an end, or only looks like one, is not: %s", (sql) => {
    expect(refusalOf(sql)).toBeNull();
  });
});

test("statements are counted, and semicolons in text are none", () => {
  expect(refusalOf("SELECT 1;".repeat(101))).toContain("statements");
  expect(refusalOf(`SELECT '${";".repeat(500)}'`)).toBeNull();
});

test("any text is judged, and soon", () => {
  const piece = fc.constantFrom(
    "WITH ",
    "c",
    "(",
    ")",
    " AS ",
    "SELECT ",
    " FROM ",
    ",",
    "'",
    '"',
    "[",
    "`",
    "--",
    "/*",
    ";",
    " ON ",
    "\0",
    "é",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: "binary" }),
        fc.array(piece, { maxLength: 200 }).map((all) => all.join("")),
      ),
      (sql) => {
        const refusal = refusalOf(sql);
        expect(refusal === null || refusal.length > 0).toBe(true);
      },
    ),
  );
  // Of the longest text that is taken.
  expect(refusalOf("a AS (SELECT ".repeat(7000))).toContain("parentheses");
  const nested = "a AS (SELECT ".repeat(49) + "x,".repeat(45_000) + ")".repeat(49);
  expect(refusalOf(nested)).toBeNull();
});
