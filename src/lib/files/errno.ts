// What a system call that failed says → what a client is told. Reading a saved tree fails in the same words.
import type { ErrorCode } from "../../contract/errors.ts";
import { ProblemError } from "../problem-error.ts";
import { shownPath } from "./paths.ts";

const MEANING: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOENT: ["file_not_found", "does not exist"],
  ENOTDIR: ["file_not_found", "does not exist: a part of the path is not a directory"],
  ENXIO: ["invalid_request", "is not a regular file"],
  EISDIR: ["conflict", "is a directory"],
  EEXIST: ["conflict", "exists already"],
  ENOTEMPTY: ["conflict", "is a directory that is not empty; delete it with recursive=true"],
  EBUSY: ["conflict", "is in use"],
  ETXTBSY: ["conflict", "is being run"],
  EINVAL: ["invalid_request", "cannot be used in this way"],
  ELOOP: ["invalid_request", "goes through too many symbolic links"],
  ENAMETOOLONG: ["invalid_request", "is too long a path"],
  EXDEV: ["invalid_request", "is on another file system"],
  EACCES: ["forbidden", "is closed to the session's user by its permissions"],
  EPERM: ["forbidden", "may not be changed by the session's user"],
  EROFS: ["forbidden", "is on a read-only file system"],
  ENOSPC: ["disk_full", "does not fit: the disk is full; delete files first"],
  EDQUOT: ["disk_full", "does not fit: the disk is full; delete files first"],
};

/** Null for what is no failure of a client's making. */
export function explainErrno(errno: string, relative: string): ProblemError | null {
  const meaning = MEANING[errno];
  return meaning === undefined ? null : new ProblemError(meaning[0], `${shownPath(relative)} ${meaning[1]}`);
}
