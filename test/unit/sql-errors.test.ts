import { expect, test } from "vitest";
import { refusalIn } from "../../src/data/sql-errors.ts";

test.each([
  ['near "SELEC": syntax error at offset 0: SQLITE_ERROR'],
  ["UNIQUE constraint failed: t.a: SQLITE_CONSTRAINT_UNIQUE (extended: SQLITE_CONSTRAINT_UNIQUE)"],
  ["not authorized: SQLITE_AUTH"],
  ["string or blob too big: SQLITE_TOOBIG"],
  ["Wrong number of parameter bindings for SQL query."],
])("%j is the query's fault", (message) => {
  expect(refusalIn(new Error(message))).toBe(message);
});

test.each([
  [new Error("disk I/O error: SQLITE_IOERR (extended: SQLITE_IOERR_WRITE)")],
  [new Error("database or disk is full: SQLITE_FULL")],
  [new Error("database disk image is malformed: SQLITE_CORRUPT")],
  [new Error("internal error; reference = 0123456789abcdef")],
  [Object.assign(new Error("Network connection lost."), { retryable: true })],
  [Object.assign(new Error("Durable Object is overloaded."), { overloaded: true })],
  ["no exception at all"],
])("%s is not", (error) => {
  expect(refusalIn(error)).toBeNull();
});
