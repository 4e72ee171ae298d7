// What a client calls a file → its path relative to the workspace. Text only: where links lead is asked of the disk, or
// of the saved tree while the session sleeps.
import { PATH_BYTES } from "../../contract/limits.ts";
import { ProblemError } from "../problem-error.ts";

/** What clients call the workspace, wherever it really is. */
const PUBLIC_ROOT = "/workspace";
const NAME_BYTES = 255;

/**
 * Normal form, relative, `""` for the workspace itself. `a/../b` is `b`, whatever `a` is.
 * @throws ProblemError invalid_request
 */
export function parsePath(path: string): string {
  if (path === "") {
    throw invalid("The path is empty; name a file such as src/index.ts");
  }
  if (path.includes("\0")) {
    throw invalid("The path has a null byte");
  }
  if (!path.isWellFormed()) {
    throw invalid("The path has a lone surrogate, which UTF-8 cannot hold");
  }
  if (sizeOf(path) > PATH_BYTES) {
    throw invalid(`The path is longer than ${PATH_BYTES} bytes`);
  }
  const segments = split(path, path);
  if (!path.startsWith("/")) {
    return segments.join("/");
  }
  if (segments[0] !== PUBLIC_ROOT.slice(1)) {
    throw outside(path);
  }
  return segments.slice(1).join("/");
}

function split(path: string, shown: string): string[] {
  const segments: string[] = [];
  // Climbing above the workspace is refused even where the rest would lead back into it.
  const floor = path.startsWith("/") ? 1 : 0;
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") {
      continue;
    }
    if (segment === "..") {
      if (segments.length <= floor) {
        throw outside(shown);
      }
      segments.pop();
      continue;
    }
    if (sizeOf(segment) > NAME_BYTES) {
      throw invalid(`A name in the path is longer than ${NAME_BYTES} bytes`);
    }
    segments.push(segment);
  }
  return segments;
}

const encoder = new TextEncoder();

/** As UTF-8. Counted only where it could matter: a character has three bytes at the most per unit of its text. */
function sizeOf(text: string): number {
  return text.length * 3 <= NAME_BYTES ? text.length : encoder.encode(text).length;
}

/** Where a link leads, as a path in the workspace. @throws ProblemError invalid_request when it leads out */
export function parseLink(linkPath: string, target: string): string {
  if (target.startsWith("/")) {
    return parsePath(target);
  }
  const directory = parentOf(linkPath);
  return parsePath(directory === "" ? target : `${directory}/${target}`);
}

/** The last path segment of raw routes: percent-encoded, slashes included. */
export function decodePath(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    throw invalid("The path has bad percent-encoding; encode it as UTF-8");
  }
}

/** How a path is called in answers. */
export function shownPath(relative: string): string {
  return relative === "" ? "." : relative;
}

export function parentOf(relative: string): string {
  return relative.slice(0, Math.max(0, relative.lastIndexOf("/")));
}

export function nameOf(relative: string): string {
  return relative.slice(relative.lastIndexOf("/") + 1);
}

export function joinPath(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}

/**
 * By the bytes of their UTF-8, as saved trees are sorted. JavaScript's own order differs where a character takes two
 * units.
 */
export function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const one = a.charCodeAt(at);
    const other = b.charCodeAt(at);
    if (one !== other) {
      // A half of a surrogate pair stands for a character beyond all that take one unit.
      return one >= 0xd800 && other >= 0xd800 ? rotate(one) - rotate(other) : one - other;
    }
  }
  return a.length - b.length;
}

function rotate(unit: number): number {
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}

/** The supervisor's own directory, left out of what a client sees unless it is asked for by its path. */
export const OWN_DIRECTORY = ".buntime";

const RUNNING_CODE = /^\.exe_[0-9a-z]{20}\.[a-z]+$/;
const DRAFT = /^\.put_[0-9a-f]{32}$/;

/** A file that is still being written. */
export function isDraft(name: string): boolean {
  return DRAFT.test(name);
}

/** What the name of a directory at the top of the workspace begins with in which a snapshot is being restored. */
export const RESTORE_TREE = ".buntime-restore-";
const RESTORING = /^\.buntime-restore-[0-9a-f]{32}(?:\.out|\.in)?$/;

export function isRestoreTree(relative: string): boolean {
  return RESTORING.test(relative);
}

/** Never shown to a client that did not ask for it. */
export function isHidden(relative: string, name: string): boolean {
  return relative === OWN_DIRECTORY || RUNNING_CODE.test(name) || isDraft(name) || isRestoreTree(relative);
}

export function invalid(message: string): ProblemError {
  return new ProblemError("invalid_request", message);
}

export function outside(path: string): ProblemError {
  return invalid(`${path} leads out of ${PUBLIC_ROOT}; only files in it can be reached`);
}
