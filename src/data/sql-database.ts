// One SQL database of an account. Nothing of ours is in it: what it shows of itself is what its owner made. What could reach
// beyond it, such as ATTACH, most PRAGMAs and tables of the platform, Durable Objects refuse by themselves.
import { DurableObject } from "cloudflare:workers";
import type { Env } from "../env.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { SQL_ANSWER_BYTES, SQL_ROWS } from "./limits.ts";
import { refusalIn } from "./sql-errors.ts";
import type { SqlAnswer, SqlDatabaseRpc, SqlQuery, SqlRow } from "./storage.ts";

/** Undoes what the statements have done. */
class Undone extends Error {
  readonly problem: ReturnType<typeof fail>;

  constructor(problem: ReturnType<typeof fail>) {
    super(problem.error.message);
    this.problem = problem;
  }
}

export class SqlDatabase extends DurableObject<Env> implements SqlDatabaseRpc {
  async run(query: SqlQuery, { maxBytes }: { readonly maxBytes: number }): Promise<Result<SqlAnswer>> {
    const { storage } = this.ctx;
    const before = storage.sql.databaseSize;
    try {
      const answer = storage.transactionSync(() => {
        const answered = answerTo(storage.sql, query);
        if (answered.size > maxBytes && answered.size > before) {
          throw new Undone(
            fail(
              "disk_full",
              `The database would have more than the ${maxBytes} bytes that there is room for. Delete something.`,
              {
                limitBytes: maxBytes,
              },
            ),
          );
        }
        return answered;
      });
      return ok(answer);
    } catch (error) {
      if (error instanceof Undone) {
        return error.problem;
      }
      const refusal = refusalIn(error);
      if (refusal === null) {
        throw error;
      }
      return fail("invalid_request", `SQL: ${refusal}`);
    }
  }

  async erase(): Promise<void> {
    await this.ctx.storage.deleteAll();
  }
}

function answerTo(sql: SqlStorage, { sql: text, params }: SqlQuery): SqlAnswer {
  const changesBefore = sql.exec<{ total: number }>("SELECT total_changes() AS total").one().total;
  const bound = params.map((value) => (typeof value === "boolean" ? Number(value) : value));
  const cursor = sql.exec(text, ...bound);
  const rows: SqlRow[] = [];
  let bytes = 0;
  for (const row of cursor) {
    const told = Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)]));
    bytes += JSON.stringify(told).length;
    if (rows.push(told) > SQL_ROWS || bytes > SQL_ANSWER_BYTES) {
      throw new Undone(
        fail(
          "payload_too_large",
          `An answer may have ${SQL_ROWS} rows and ${SQL_ANSWER_BYTES} bytes. Use LIMIT, or fewer columns.`,
          {
            rows: SQL_ROWS,
            limitBytes: SQL_ANSWER_BYTES,
          },
        ),
      );
    }
  }
  const { rowsRead, rowsWritten } = cursor;
  const state = sql
    .exec<{ total: number; id: number }>("SELECT total_changes() AS total, last_insert_rowid() AS id")
    .one();
  const changes = state.total - changesBefore;
  return { rows, rowsRead, rowsWritten, changes, lastRowId: state.id, size: sql.databaseSize };
}

/** As D1 has it: bytes are a list of numbers. */
function plain(value: SqlStorageValue): SqlRow[string] {
  return value instanceof ArrayBuffer ? [...new Uint8Array(value)] : value;
}
