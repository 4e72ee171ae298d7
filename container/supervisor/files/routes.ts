// The file routes of the supervisor, see src/contract/supervisor.ts. What the session sends was checked against the
// contract there; paths are checked here, where the files are.
import type { FileInput, FileWritten } from "../../../src/contract/files.ts";
import { SEARCH_MATCHES } from "../../../src/contract/limits.ts";
import { evaluate, validatorsOf } from "../../../src/lib/files/conditions.ts";
import { parsePath } from "../../../src/lib/files/paths.ts";
import { isRecursive, queryNumber, queryPath, RAW, rawPath } from "../../../src/lib/files/query.ts";
import type { Config } from "../config.ts";
import { Gate } from "../gate.ts";
import { SupervisorError } from "../problem.ts";
import { ChangeTracker } from "./changes.ts";
import type { DiskLedger } from "./disk.ts";
import { download } from "./download.ts";
import { versionOf } from "./entry.ts";
import { listFiles } from "./list.ts";
import { makeDirectory, move } from "./move.ts";
import { readFile } from "./read.ts";
import { remove } from "./remove.ts";
import { createStatistics, type FileStatistics } from "./statistics.ts";
import { sweepDrafts } from "./sweep.ts";
import { upload } from "./upload.ts";
import { Workspace } from "./workspace.ts";
import { writeFiles } from "./write.ts";

export interface FileRoutes {
  /** Null when the path is none of these. Rejects with SupervisorError for an expected failure. */
  handle(request: Request, url: URL): Promise<Response> | null;
  writeFiles(files: readonly FileInput[]): Promise<FileWritten[]>;
  stats(): Promise<FileStatistics>;
  readonly changes: ChangeTracker;
}

type Handler = (request: Request, url: URL) => Response | Promise<Response>;

export function createFileRoutes(config: Config, disk: DiskLedger, gate = new Gate()): FileRoutes {
  const workspace = new Workspace(config, gate);
  const changes = new ChangeTracker(workspace);
  setImmediate(() => {
    changes
      .prepare()
      .then(() => sweepDrafts(workspace))
      // What is left lying does no harm; a supervisor that ended over it would.
      .catch((error: unknown) => console.error("drafts of an earlier supervisor were not swept", error));
  });

  const raw: Readonly<Record<string, Handler>> = {
    GET: (request, url) => download(workspace, rawPath(url), request),
    HEAD: (request, url) => download(workspace, rawPath(url), request),
    PUT: (request, url) => upload(workspace, disk, rawPath(url), request),
    DELETE: (request, url) => {
      const relative = rawPath(url);
      return removed(relative, url, () => {
        const stats = workspace.peek(relative);
        const version = stats === null ? null : validatorsOf(versionOf(stats));
        if (evaluate("DELETE", request.headers, version) === "proceed") return;
        throw new SupervisorError("precondition_failed", `${relative} is not in the state that the request asks for`);
      });
    },
  };

  const routes: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
    "/files": { DELETE: (_request, url) => removed(queryPath(url), url) },
    "/files/read": { GET: async (_request, url) => Response.json(await readFile(workspace, queryPath(url))) },
    "/files/list": {
      GET: async (_request, url) =>
        Response.json(
          await listFiles(workspace, queryPath(url, "."), {
            recursive: isRecursive(url),
            limit: queryNumber(url, "limit", 50),
            offset: queryNumber(url, "offset", 0),
          }),
        ),
    },
    "/files/write": {
      POST: async (request) => {
        // SAFETY: the session's own message, see above.
        const { files } = (await request.json()) as { files: readonly FileInput[] };
        return Response.json({ files: await writeFiles(workspace, disk, files) });
      },
    },
    "/files/move": {
      POST: async (request) => {
        // SAFETY: the session's own message, see above.
        const { from, to, overwrite } = (await request.json()) as { from: string; to: string; overwrite: boolean };
        return Response.json(await gate.pass(() => move(workspace, parsePath(from), parsePath(to), { overwrite })));
      },
    },
    "/files/mkdir": {
      POST: async (request) => {
        // SAFETY: the session's own message, see above.
        const { path } = (await request.json()) as { path: string };
        return Response.json(await gate.pass(() => makeDirectory(workspace, parsePath(path))));
      },
    },
    "/files/search": {
      GET: async (request, url) => {
        const { search } = await import("./search.ts");
        const answer = await search(workspace, {
          text: url.searchParams.get("q") ?? "",
          glob: url.searchParams.get("glob"),
          limit: Math.min(queryNumber(url, "limit", 100), SEARCH_MATCHES),
          signal: request.signal,
        });
        return Response.json(answer);
      },
    },
    "/archive": {
      GET: async () => (await import("./pack.ts")).pack(config),
      PUT: async (request) => {
        const { unpack } = await import("./unpack.ts");
        return Response.json(await unpack(workspace, disk, request.body ?? new Blob([]).stream()));
      },
    },
  };

  const removed = async (relative: string, url: URL, guard?: () => void): Promise<Response> => {
    await gate.pass(() => {
      guard?.();
      return remove(workspace, config.user, relative, { recursive: isRecursive(url) });
    });
    return Response.json({ deleted: true, path: relative });
  };

  return {
    changes,
    handle(request, url) {
      const methods = url.pathname.startsWith(RAW) ? raw : routes[url.pathname];
      if (methods === undefined) return null;
      return answer(methods, request, url);
    },
    writeFiles: (files) => writeFiles(workspace, disk, files),
    stats: createStatistics(workspace, disk),
  };
}

async function answer(methods: Readonly<Record<string, Handler>>, request: Request, url: URL): Promise<Response> {
  const handler = methods[request.method];
  if (handler !== undefined) return handler(request, url);
  throw new SupervisorError("method_not_allowed", `${request.method} is none of ${Object.keys(methods).join(", ")}`);
}
