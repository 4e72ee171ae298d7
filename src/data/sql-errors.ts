// Whose fault an exception of SQLite's is. Pure.

/** Its storage's rather than the query's: https://sqlite.org/rescode.html; the last is what workerd tells of its own troubles. */
const STORAGE_FAILED =
  /\bSQLITE_(IOERR|FULL|CORRUPT|NOTADB|CANTOPEN|PROTOCOL|BUSY|LOCKED|READONLY|INTERNAL)|^internal error\b/;

/** The refusal, to be told to whoever has sent the query; null: the query is not to blame. */
export function refusalIn(error: unknown): string | null {
  if (!(error instanceof Error) || isOfObject(error) || STORAGE_FAILED.test(error.message)) {
    return null;
  }
  return error.message;
}

/** https://developers.cloudflare.com/durable-objects/best-practices/error-handling/ */
function isOfObject(error: Error): boolean {
  return ["retryable", "overloaded", "durableObjectReset"].some((flag) => flag in error && error[flag as keyof Error]);
}
