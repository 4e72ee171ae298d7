// A workspace of its own behind a small server, as the supervisor has it: root serves, uid 1000 owns the files.
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, lstatSync, mkdtempSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ErrorBody } from "../../../src/contract/errors.ts";
import { problemResponse } from "../../../src/contract/errors.ts";
import type { Config } from "../../../container/supervisor/config.ts";
import { DiskLedger } from "../../../container/supervisor/files/disk.ts";
import { createFileRoutes, type FileRoutes } from "../../../container/supervisor/files/routes.ts";
import { SupervisorError } from "../../../container/supervisor/problem.ts";

export const isRoot = process.getuid?.() === 0;
const USER = 1000;

export interface House extends Disposable {
  readonly root: string;
  readonly workspace: string;
  readonly config: Config;
  readonly routes: FileRoutes;
  readonly disk: DiskLedger;
  readonly socket: string;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** What user code would do: a shell under the user's uid in the workspace. */
  shell(command: string): Promise<string>;
}

export function openHouse(options: { diskBytes?: number } = {}): House {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "buntime-files-")));
  chmodSync(root, 0o755);
  const workspace = mkdtempSync(join(root, "workspace-"));
  chmodSync(workspace, 0o755);
  if (isRoot) chownSync(workspace, USER, USER);
  const config: Config = {
    token: "",
    workspace,
    memoryBytes: 0,
    diskBytes: options.diskBytes ?? 4 * 1024 ** 3,
    user: isRoot ? { kind: "uid", uid: USER, gid: USER } : { kind: "same" },
    userEnvironment: {},
    image: "bun",
    cache: "/tmp",
    sockets: null,
    internet: true,
    port: 0,
    bringLoopbackUp: false,
    patience: { lastSaveMs: 1000, serviceStartMs: 1000, terminalSilenceMs: 0, spareMemoryMs: 1000 },
  };
  const disk = new DiskLedger(workspace, config.diskBytes);
  const routes = createFileRoutes(config, disk);
  const socket = join(root, "server.sock");
  const server = Bun.serve({
    unix: socket,
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    async fetch(request) {
      try {
        return (await routes.handle(request, new URL(request.url))) ?? new Response(null, { status: 404 });
      } catch (error) {
        if (error instanceof SupervisorError) return problemResponse(error.problem);
        return problemResponse({ code: "internal_error", message: String(error) });
      }
    },
  });
  return {
    root,
    workspace,
    config,
    routes,
    disk,
    socket,
    fetch: (path, init) => fetch(`http://supervisor${path}`, { ...init, unix: socket }),
    async shell(command) {
      const child = Bun.spawn(["sh", "-c", command], {
        cwd: workspace,
        ...(isRoot ? { uid: USER, gid: USER } : {}),
        stdout: "pipe",
        stderr: "pipe",
      });
      const output = (await child.stdout.text()) + (await child.stderr.text());
      await child.exited;
      return output;
    },
    [Symbol.dispose]() {
      void server.stop(true);
      // A test may have closed a directory to its owner.
      spawnSync("chmod", ["-R", "u+rwX", root]);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

export async function codeOf(response: Response): Promise<string> {
  // SAFETY: every answer that is no success has this shape; a test fails if it has not.
  const body = (await response.json()) as ErrorBody;
  return body.error.code;
}

export function post(body: unknown): RequestInit {
  return { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } };
}

/** Polls until the condition holds; throws after five seconds. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`still not so after 5 s: ${what}`);
    await Bun.sleep(5);
  }
}

export function ownerOf(path: string): number {
  return lstatSync(path).uid;
}

export function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}
