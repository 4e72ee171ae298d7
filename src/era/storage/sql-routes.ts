// SQL: a database of SQLite for each namespace, which begins with the first query.
import { ProblemError, valueOf } from "../../lib/problem-error.ts";
import type { EraCall } from "../call.ts";
import { route } from "../route.ts";
import type { EraRoute } from "../route.ts";
import { OfNamespace, Sql } from "./contract.ts";
import type { SqlAnswer, SqlQuery } from "../../data/storage.ts";
import { refusalOf } from "../../data/sql-guard.ts";
import { missing, useStorage } from "./use.ts";

export const SQL_ROUTES: readonly EraRoute[] = [
  route({
    method: "POST",
    path: "/api/storage/d1/{namespace}/query",
    params: OfNamespace,
    body: Sql,
    async answer(call, { params: { namespace }, body }) {
      const { rows, ...answer } = await run(call, namespace, body);
      return Response.json({ success: true, results: rows, meta: metaOf(answer) });
    },
  }),
  route({
    method: "POST",
    path: "/api/storage/d1/{namespace}/exec",
    params: OfNamespace,
    body: Sql,
    async answer(call, { params: { namespace }, body }) {
      return Response.json({ success: true, meta: metaOf(await run(call, namespace, body)) });
    },
  }),
  route({
    method: "DELETE",
    path: "/api/storage/d1/{namespace}",
    params: OfNamespace,
    async answer(call, { params: { namespace } }) {
      if (!(await useStorage(call, (storage) => storage.dropDatabase(namespace)))) {
        throw missing(`database ${namespace}`);
      }
      return Response.json({ success: true });
    },
  }),
];

async function run(call: EraCall, namespace: string, query: SqlQuery): Promise<SqlAnswer> {
  const refusal = refusalOf(query.sql);
  if (refusal !== null) {
    throw new ProblemError("invalid_request", `\`sql\` ${refusal}.`);
  }
  return valueOf(await useStorage(call, (storage) => storage.query(namespace, query)));
}

function metaOf({ changes, lastRowId, rowsRead, rowsWritten, size }: Omit<SqlAnswer, "rows">): Record<string, number> {
  return { changes, last_row_id: lastRowId, rows_read: rowsRead, rows_written: rowsWritten, size_after: size };
}
