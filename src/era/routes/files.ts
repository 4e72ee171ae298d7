// Files of a session, as bytes.
import * as z from "zod";
import type { FileEntry } from "../../contract/files.ts";
import { WorkspacePath } from "../../contract/primitives.ts";
import { EraId, FilePage } from "../contract.ts";
import { asEraError } from "../errors.ts";
import { filesOf, totals } from "../listing.ts";
import { route } from "../route.ts";
import type { EraRoute } from "../route.ts";
import { findSession } from "../session.ts";
import { fileUrl } from "../workspace.ts";

const OfFile = z.object({ id: EraId, path: WorkspacePath });
/** Of the client's request, handed on. */
const CONDITIONS = ["range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"];

export const FILE_ROUTES: readonly EraRoute[] = [
  route({
    method: "GET",
    path: "/api/sessions/{id}/files",
    params: z.object({ id: EraId }),
    query: FilePage,
    async answer(call, { params, query }) {
      const { session } = await findSession(call, params.id);
      const listing = await filesOf(call, session.id, query);
      const { files, truncated } = listing;
      const { count, bytes } = totals(listing, query.offset, session);
      return Response.json({ files, count: files.length, total_count: count, total_size_bytes: bytes, truncated });
    },
  }),
  route({
    method: "GET",
    path: "/api/sessions/{id}/files/{path}",
    params: OfFile,
    async answer(call, { params }) {
      const { session } = await findSession(call, params.id);
      const { method, headers } = call.request;
      const answer = await call.send(
        new Request(fileUrl(session.id, params.path), { method, headers: only(headers, CONDITIONS) }),
      );
      return answer.status < 400 || method === "HEAD" ? answer : asEraError(answer);
    },
  }),
  route({
    method: "PUT",
    path: "/api/sessions/{id}/files/{path}",
    params: OfFile,
    async answer(call, { params }) {
      const { session } = await findSession(call, params.id);
      const { headers, body } = call.request;
      const answer = await call.send(
        new Request(fileUrl(session.id, params.path), {
          method: "PUT",
          headers: only(headers, [...CONDITIONS, "content-type", "content-length"]),
          body,
        }),
      );
      if (!answer.ok) {
        return asEraError(answer);
      }
      const { path, size } = await answer.json<FileEntry>();
      return Response.json({ path, size });
    },
  }),
  route({
    method: "DELETE",
    path: "/api/sessions/{id}/files/{path}",
    params: OfFile,
    async answer(call, { params }) {
      const { session } = await findSession(call, params.id);
      const answer = await call.send(new Request(fileUrl(session.id, params.path), { method: "DELETE" }));
      return answer.ok
        ? Response.json({ success: true, path: params.path, deleted_at: new Date().toISOString() })
        : asEraError(answer);
    },
  }),
];

function only(headers: Headers, names: readonly string[]): Headers {
  return new Headers([...headers].filter(([name]) => names.includes(name)));
}
