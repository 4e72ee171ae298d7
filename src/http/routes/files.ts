// Files: all of them are the supervisor's business, so requests are handed on. Only what a plan limits is looked at.
import type { FileInput, WriteFiles } from "../../contract/files.ts";
import type { Result } from "../../lib/result.ts";
import type { Handlers } from "../bind.ts";
import type { Call } from "../call.ts";
import { checkFiles } from "../file-limits.ts";
import { forward } from "../forward.ts";
import type { Forwarded } from "../forward.ts";
import { encodePath } from "../../lib/route-path.ts";
import { findSession } from "../session-ref.ts";

export const fileHandlers = {
  async writeFiles(call, { body }) {
    const files = filesOf(body);
    const checked = checkFiles(files, call.principal.plan);
    if (!checked.ok) {
      return checked;
    }
    const response = await toSession(call, body.sessionId, { path: "/files/write", json: JSON.stringify({ files }) });
    return body.files === undefined && response instanceof Response && response.ok ? onlyFile(response) : response;
  },

  readFile: (call, { query: { sessionId, path } }) =>
    toSession(call, sessionId, { path: `/files/read?${search({ path })}` }),

  listFiles: (call, { query: { sessionId, path, recursive, limit, offset } }) =>
    toSession(call, sessionId, { path: `/files/list?${search({ path, recursive, limit, offset })}` }),

  deleteFile: (call, { query: { sessionId, path, recursive } }) =>
    toSession(call, sessionId, { path: `/files?${search({ path, recursive })}` }),

  moveFile: (call, { body: { sessionId, ...move } }) =>
    toSession(call, sessionId, { path: "/files/move", json: JSON.stringify(move) }),

  makeDirectory: (call, { body: { sessionId, path } }) =>
    toSession(call, sessionId, { path: "/files/mkdir", json: JSON.stringify({ path }) }),

  downloadFile: (call, { params }) => toSession(call, params.id, { path: `/raw/${encodePath(params.path)}` }),

  uploadFile: (call, { params }) => toSession(call, params.id, { path: `/raw/${encodePath(params.path)}` }),

  removeFile: (call, { params, query: { recursive } }) =>
    toSession(call, params.id, { path: `/raw/${encodePath(params.path)}?${search({ recursive })}` }),

  searchFiles: (call, { params, query: { q, glob, limit } }) =>
    toSession(call, params.id, { path: `/files/search?${search({ q, glob, limit })}` }),

  downloadArchive: (call, { params }) => toSession(call, params.id, { path: "/archive" }),

  uploadArchive: (call, { params }) => toSession(call, params.id, { path: "/archive" }),
} satisfies Partial<Handlers>;

async function toSession(call: Call, ref: string, target: Forwarded): Promise<Result<never> | Response> {
  const session = await findSession(call, ref);
  return session.ok ? forward(call, session.value, target) : session;
}

function filesOf({ files, path, content, encoding }: WriteFiles): readonly FileInput[] {
  if (files !== undefined) {
    return files;
  }
  return path === undefined || content === undefined
    ? []
    : [{ path, content, ...(encoding === undefined ? {} : { encoding }) }];
}

/** One file written is answered as that file. */
async function onlyFile(response: Response): Promise<Response> {
  const { files } = await response.json<{ files: unknown[] }>();
  return Response.json(files[0]);
}

function search(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
}
