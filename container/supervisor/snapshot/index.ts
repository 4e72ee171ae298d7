// What was last saved or restored: the snapshot that the next one is made against. In memory only; after a restart of the
// supervisor the session hands the manifest over again, and contents are read once to be known.
import type { Digest, Root, SegmentRef, TreeNode } from "../../../src/contract/manifest.ts";
import type { Children } from "./tree.ts";

export interface SavedSegment {
  readonly ref: SegmentRef;
  readonly nodes: readonly TreeNode[];
}

export interface Saved {
  /** Digest of the root object: what the session calls it. */
  readonly digest: Digest;
  readonly root: Root;
  /** In the root's order. */
  readonly segments: readonly SavedSegment[];
  /** The workspace as it was then; null: only the manifest is known, so every file has to be read. */
  readonly tree: Children | null;
}

/** One for the supervisor: saving and restoring share it. */
export class SnapshotIndex {
  #saved: Saved | null = null;

  get saved(): Saved | null {
    return this.#saved;
  }

  set(saved: Saved): void {
    this.#saved = saved;
  }

  /** The workspace became something else than what was saved, in a way that `stat` may not show. */
  forget(): void {
    this.#saved = null;
  }
}
