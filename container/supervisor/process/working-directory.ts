// The directory that an execution runs in. Opened once and checked by what was opened, since user code can put a
// symlink in the place of any directory between two calls.
import { closeSync, constants, openSync, readlinkSync } from "node:fs";
import { resolve } from "node:path";
import { SupervisorError } from "../problem.ts";

/** What clients call the workspace, wherever it is. */
const PUBLIC_ROOT = "/workspace";

export class WorkingDirectory {
  readonly #fd: number;
  readonly path: string;

  /** @throws SupervisorError `file_not_found` or `invalid_request` */
  constructor(workspace: string, requested: string) {
    const path = resolve(workspace, fromPublic(workspace, requested));
    this.#fd = openDirectory(path, requested);
    this.path = readlinkSync(this.entry("."));
    if (isInside(workspace, path) && isInside(workspace, this.path)) return;
    this.close();
    throw new SupervisorError("invalid_request", `workingDir ${requested} is outside of /workspace`);
  }

  /** Means an entry of this very directory until close(). */
  entry(name: string): string {
    return name === "." ? `/proc/self/fd/${this.#fd}` : `/proc/self/fd/${this.#fd}/${name}`;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function fromPublic(workspace: string, path: string): string {
  return isInside(PUBLIC_ROOT, path) ? `${workspace}${path.slice(PUBLIC_ROOT.length)}` : path;
}

function isInside(root: string, path: string): boolean {
  return path === root || path.startsWith(`${root}/`);
}

function openDirectory(path: string, requested: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    if (code === "ENOENT") throw new SupervisorError("file_not_found", `workingDir ${requested} does not exist`);
    throw new SupervisorError("invalid_request", `workingDir ${requested} is not a directory`);
  }
}
