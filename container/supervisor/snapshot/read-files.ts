// Reads the files and links whose contents are not known, in path order. While processes run, what vanishes or changes
// under the reader is left for the moment when they do not; then, what cannot be read has a reason that is reported.
import { Pace } from "../files/pace.ts";
import { parentOf } from "../../../src/lib/files/paths.ts";
import * as calls from "../linux/file-calls.ts";
import type { Contents } from "./contents.ts";
import { DirectoryChain } from "./directory-chain.ts";
import type { DraftTree } from "./draft-tree.ts";
import { explainErrno } from "./scan.ts";
import { mtimeOf, type Located } from "./tree.ts";

export interface ReadOptions {
  readonly workspace: string;
  readonly contents: Contents;
  readonly draft: DraftTree;
  readonly signal: AbortSignal;
}

export async function readFiles(unread: readonly Located[], options: ReadOptions): Promise<void> {
  const { workspace, contents, draft, signal } = options;
  using directories = new DirectoryChain(workspace);
  const pace = new Pace();
  const rest = async (): Promise<void> => {
    await pace.rest();
    signal.throwIfAborted();
  };
  const restIfDue = (): Promise<void> | null => (pace.isDue() ? rest() : null);
  for (const { path, entry } of unread) {
    if (pace.isDue()) await rest();
    const directory = directories.descriptor(parentOf(path));
    if (directory < 0) {
      draft.setProblem(entry, explainErrno(-directory));
      continue;
    }
    const { stat } = entry;
    const mtimeNs = mtimeOf(stat);
    if (stat.kind === "symlink") {
      const target = calls.readLinkAt(directory, entry.name);
      if (typeof target === "number") draft.setProblem(entry, explainErrno(-target));
      else draft.setNode(entry, { type: "symlink", path, mtimeNs, target });
      continue;
    }
    const pieces = await contents.read(directory, entry.name, { stat, rest: restIfDue });
    if (typeof pieces === "number") draft.setProblem(entry, explainErrno(pieces));
    else if (pieces === "torn") draft.setProblem(entry, "it shrank while it was read");
    else draft.setNode(entry, { type: "file", path, mode: stat.mode, mtimeNs, size: stat.size, pieces });
  }
}
