// Where paths lead in a saved tree: what the kernel does for a running session, links, permissions and errors alike.
import type { DirectoryNode, FileNode, TreeNode } from "../../contract/manifest.ts";
import type { FileEntry } from "../../contract/files.ts";
import { explainErrno } from "../../lib/files/errno.ts";
import { invalid, joinPath, nameOf, outside, OWN_DIRECTORY, parentOf, shownPath } from "../../lib/files/paths.ts";
import { toByteString, toText } from "../../lib/manifest.ts";
import { ProblemError } from "../../lib/problem-error.ts";
import type { Manifest } from "./manifest.ts";

/** Linux's MAXSYMLINKS. */
const LINKS = 40;
const NAME_BYTES = 255;
/** In a container, the workspace is `/workspace`. */
const ROOT_NAME = "workspace";

/** A directory or file that a path led to; `path` is a byte string, `""` for the workspace, whose `node` is null. */
interface Place {
  readonly path: string;
  readonly node: DirectoryNode | FileNode | null;
}

export interface Found {
  /** As the client calls it. */
  readonly path: string;
  readonly name: string;
  readonly type: FileEntry["type"];
  readonly node: TreeNode;
  /** It lies in a directory that may be listed but not entered: nothing but its name and type can be known. */
  readonly isSealed: boolean;
}

export class Tree {
  readonly manifest: Manifest;

  constructor(manifest: Manifest) {
    this.manifest = manifest;
  }

  /** A file that may be read, links followed as long as they stay inside. @throws ProblemError */
  async openFile(relative: string): Promise<FileNode> {
    const { path, node } = await this.#locate(relative, { directory: false });
    if (node?.type !== "file") {
      throw invalid(`${shownPath(relative)} is a directory; list it instead`);
    }
    if (!mayRead(path, node.mode)) {
      throw closed(relative);
    }
    return node;
  }

  /** About the thing itself, links not followed; null when there is none. @throws ProblemError */
  async peek(relative: string): Promise<TreeNode | null> {
    if (relative === "") {
      return null;
    }
    try {
      const parent = await this.#locate(parentOf(relative), { directory: true });
      const name = nameOf(relative);
      if (!mayEnter(parent)) {
        throw closed(name);
      }
      return await this.manifest.find(joinPath(parent.path, toByteString(name)));
    } catch (error) {
      if (error instanceof ProblemError && error.problem.code === "file_not_found") {
        return null;
      }
      throw error;
    }
  }

  /**
   * The tree below `from`, sorted by path. `skip` leaves out an entry with all that is in it, and so does a name that is
   * not UTF-8. @throws ProblemError for `from` alone
   */
  async *walk(
    from: string,
    options: { readonly recursive: boolean; readonly skip: (path: string, name: string) => boolean },
  ): AsyncGenerator<Found, void> {
    const start = await this.#locate(from, { directory: true });
    if (start.node !== null && !mayRead(start.path, start.node.mode)) {
      // As good as empty.
      return;
    }
    const prefix = start.path === "" ? "" : `${start.path}/`;
    const cursor = await this.manifest.cursor(prefix);
    // Directories whose content is left out. It comes later than what lies beside them.
    const closedOnes = new Set<string>();
    const sealedOnes = new Set<string>(mayEnter(start) ? [] : [start.path]);
    for (let node = await cursor.next(); node?.path.startsWith(prefix) === true; node = await cursor.next()) {
      const parent = parentOf(node.path);
      if (closedOnes.delete(parent)) {
        // "0" comes after "/".
        cursor.skipTo(`${parent}0`);
        continue;
      }
      const path = joinPath(from, toText(node.path.slice(prefix.length)));
      const name = nameOf(path);
      const isShown = toByteString(name) === nameOf(node.path) && !options.skip(path, name);
      const isSealed = sealedOnes.has(parent);
      if (node.type === "directory") {
        if (!isShown || !options.recursive || isSealed || !mayList(node)) {
          closedOnes.add(node.path);
        } else if (!mayEnter({ path: node.path, node })) {
          sealedOnes.add(node.path);
        }
      }
      if (isShown) {
        yield { path, name, type: node.type === "hardlink" ? "file" : node.type, node, isSealed };
      }
    }
  }

  async #locate(relative: string, want: { readonly directory: boolean }): Promise<Place> {
    // What is left of the way, next name last.
    const names = toByteString(relative).split("/").toReversed();
    // From the root of the container on; empty: there.
    let way: Place[] = [WORKSPACE];
    let file: Place | null = null;
    let links = 0;
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      if (file !== null) {
        throw failed("ENOTDIR", relative);
      }
      if (name === "" || name === ".") {
        continue;
      }
      const here = way.at(-1);
      if (here !== undefined && !mayEnter(here)) {
        throw closed(relative);
      }
      if (name === "..") {
        way.pop();
        continue;
      }
      if (here === undefined) {
        if (name !== ROOT_NAME) {
          throw outside(shownPath(relative));
        }
        way.push(WORKSPACE);
        continue;
      }
      if (name.length > NAME_BYTES) {
        throw failed("ENAMETOOLONG", relative);
      }
      const path = joinPath(here.path, name);
      const node = await this.manifest.find(path);
      switch (node?.type) {
        case undefined:
          throw failed("ENOENT", relative);
        case "directory":
          way.push({ path, node });
          break;
        case "symlink":
          if (++links > LINKS) {
            throw failed("ELOOP", relative);
          }
          if (node.target.startsWith("/")) {
            way = [];
          }
          names.push(...node.target.split("/").toReversed());
          break;
        case "file":
        case "hardlink":
          file = { path, node: await this.manifest.fileOf(node) };
          break;
      }
    }
    if (file !== null && want.directory) {
      throw failed("ENOTDIR", relative);
    }
    const end = file ?? way.at(-1);
    if (end === undefined) {
      throw outside(shownPath(relative));
    }
    return end;
  }
}

const WORKSPACE: Place = { path: "", node: null };

/** May the session's user list it? */
export function mayList(node: DirectoryNode): boolean {
  return mayRead(node.path, node.mode);
}

/** Files are the user's own, but for the supervisor's, which are open to others or not. */
export function mayRead(path: string, mode: number): boolean {
  return (mode & (isOurs(path) ? 0o004 : 0o400)) !== 0;
}

export function mayEnter({ path, node }: Place): boolean {
  return node === null || (node.mode & (isOurs(path) ? 0o001 : 0o100)) !== 0;
}

/** What belongs to the supervisor in a restored workspace. */
function isOurs(path: string): boolean {
  const executions = `${OWN_DIRECTORY}/executions`;
  return path === OWN_DIRECTORY || path === executions || path.startsWith(`${executions}/`);
}

export function closed(relative: string): ProblemError {
  return failed("EACCES", relative);
}

function failed(errno: string, relative: string): ProblemError {
  return explainErrno(errno, relative) ?? new ProblemError("internal_error", `${shownPath(relative)}: ${errno}`);
}
