// The restore routes of the supervisor, see src/contract/supervisor.ts. One restore at a time; a new one ends the one
// before it. Calls that change which restore there is, or finish it, run one after the other.
import { SNAPSHOT_MS } from "../../../src/contract/limits.ts";
import type { RestoreDone, RestorePlan } from "../../../src/contract/supervisor.ts";
import { SupervisorError } from "../problem.ts";
import type { Restore } from "./restore.ts";
import type { RestoreParts } from "./restore-finish.ts";
import type { RestorePlace } from "./restore-place.ts";

export interface RestoreRoutes {
  /** Null when the path is none of these. Rejects with SupervisorError for an expected failure. */
  handle(request: Request, url: URL): Promise<Response> | null;
}

const PUT_PACK = /^\/restore\/([0-9a-f]{64})$/;
/** A manifest is about a hundredth of its workspace. */
const BUNDLE_BYTES = 256 * 1024 * 1024;

/** @param leftovers of earlier supervisors (findPlaces), to be deleted */
export function createRestoreRoutes(parts: RestoreParts, leftovers: readonly RestorePlace[]): RestoreRoutes {
  let current: Restore | null = null;
  let expiry: ReturnType<typeof setTimeout> | null = null;
  let turn: Promise<unknown> = Promise.resolve();

  /** Runs after what was asked for before, whether that failed or not. */
  const inTurn = <T>(action: () => Promise<T>): Promise<T> => {
    const result = turn.then(action);
    turn = result.catch(() => {});
    return result;
  };

  const drop = (): void => {
    if (expiry !== null) clearTimeout(expiry);
    current?.end().catch((error: unknown) => console.error("a restore was not removed", error));
    current = null;
  };

  /** Unless another one was begun meanwhile. */
  const giveUp = (restore: Restore): Promise<void> =>
    inTurn(async () => {
      if (restore === current) drop();
    });

  const begin = async (request: Request, url: URL): Promise<Response> => {
    if (Number(request.headers.get("content-length") ?? 0) > BUNDLE_BYTES) {
      throw new SupervisorError("payload_too_large", `The manifest is larger than ${BUNDLE_BYTES} bytes`);
    }
    const bundle = new Uint8Array(await request.arrayBuffer());
    const path = url.searchParams.get("path");
    // Not before they are needed: the supervisor starts with every container.
    const [{ Restore }, { readManifest }] = await Promise.all([
      import("./restore.ts"),
      import("./restore-manifest.ts"),
    ]);
    const manifest = await readManifest(bundle);
    return inTurn(async () => {
      drop();
      const restore = new Restore(parts.config, manifest, path === "" || path === "." ? null : path);
      current = restore;
      // Whoever has begun it may be gone.
      expiry = setTimeout(() => void giveUp(restore), SNAPSHOT_MS).unref();
      return Response.json({ packs: [...restore.plan.packs.keys()] } satisfies RestorePlan);
    });
  };

  const put = async (request: Request, pack: string): Promise<Response> => {
    const restore = current;
    if (restore === null) throw noRestore();
    try {
      await restore.receive(pack, request.body ?? new Blob([]).stream());
      return Response.json({});
    } finally {
      // Nothing can be made of it any more, so it shall not occupy the disk.
      if (restore.hasFailed) void giveUp(restore);
    }
  };

  const finish = async (): Promise<Response> => {
    const restore = current;
    if (restore === null) throw noRestore();
    const { finishRestore } = await import("./restore-finish.ts");
    try {
      await restore.complete();
      return Response.json((await finishRestore(restore, parts)) satisfies RestoreDone);
    } finally {
      if (restore.hasFailed || restore.isSwapped) drop();
    }
  };

  setImmediate(() => {
    for (const place of leftovers) {
      // What is left lying does no harm but for the disk that it takes.
      place.remove().catch((error: unknown) => console.error("an earlier restore was not removed", error));
    }
  });

  return {
    handle(request, url) {
      const pack = PUT_PACK.exec(url.pathname)?.[1];
      if (request.method === "PUT" && pack !== undefined) return put(request, pack);
      switch (`${request.method} ${url.pathname}`) {
        case "POST /restore":
          return begin(request, url);
        case "POST /restore/finish":
          return inTurn(finish);
        default:
          return null;
      }
    },
  };
}

function noRestore(): SupervisorError {
  return new SupervisorError("conflict", "No restore was begun; begin one first");
}
