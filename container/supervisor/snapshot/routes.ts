// The routes for saving, see src/contract/supervisor.ts. What is sent comes from the session's object alone.
import type { Digest } from "../../../src/contract/manifest.ts";
import { OBJECT_HEADER, ROOT_HEADER, type SnapshotCommand } from "../../../src/contract/supervisor.ts";
import { SupervisorError } from "../problem.ts";
import { freeMemory } from "./buffers.ts";
import type { SpareMemory } from "../spare-memory.ts";
import type { SnapshotIndex } from "./index.ts";
import type { SaveOptions } from "./save.ts";
import type { Snapshots } from "./snapshots.ts";

export interface SnapshotRoutes {
  /** Null when the path is none of these. Rejects with SupervisorError for an expected failure. */
  handle(request: Request, url: URL): Promise<Response> | null;
}

type Handler = (request: Request) => Response | Promise<Response>;

export interface SnapshotRoutesOptions extends SaveOptions {
  /** Shared with restoring. */
  readonly index: SnapshotIndex;
  readonly memory: SpareMemory;
  /** Has that written to the workspace which has to be in a snapshot. Bounded, and never rejects. */
  readonly beforeSave: () => Promise<void>;
}

export function createSnapshotRoutes(options: SnapshotRoutesOptions): SnapshotRoutes {
  let opened: Snapshots | null = null;
  // Not before it is needed: the supervisor starts with every container.
  const open = async (): Promise<Snapshots> => {
    const { Snapshots } = await import("./snapshots.ts");
    return (opened ??= new Snapshots(options));
  };
  const routes: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
    "/snapshot": {
      POST: async (request) => {
        // SAFETY: the session's own message.
        const command = (await request.json()) as SnapshotCommand;
        await options.beforeSave();
        return Response.json((await open()).begin(command));
      },
      DELETE: () => {
        opened?.end();
        return Response.json({});
      },
    },
    "/snapshot/base": {
      PUT: async (request) => Response.json(await (await open()).putBase(await request.bytes())),
    },
    "/snapshot/next": {
      POST: async () => {
        const object = await (await open()).next();
        // Not 204: on the platform's ports the next call on that connection would fail.
        if (object === null) return Response.json({});
        const headers = new Headers({ [OBJECT_HEADER]: object.digest, "content-type": "application/octet-stream" });
        if (object.isRoot) headers.set(ROOT_HEADER, "true");
        const response = new Response(object.bytes, { headers });
        // The response has a copy.
        freeMemory(object.bytes);
        return response;
      },
    },
    "/snapshot/commit": {
      POST: async (request) => {
        // SAFETY: the session's own message.
        const { root } = (await request.json()) as { root: Digest };
        (await open()).commit(root);
        return Response.json({});
      },
    },
  };

  return {
    handle(request, url) {
      const methods = routes[url.pathname];
      return methods === undefined ? null : answer(methods, request);
    },
  };
}

async function answer(methods: Readonly<Record<string, Handler>>, request: Request): Promise<Response> {
  const handler = methods[request.method];
  if (handler !== undefined) return handler(request);
  throw new SupervisorError("method_not_allowed", `${request.method} is none of ${Object.keys(methods).join(", ")}`);
}
