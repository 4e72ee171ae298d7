// What the session tells about its files without listing them.
import type { DiskLedger } from "./disk.ts";
import { Pace } from "./pace.ts";
import { isHidden } from "../../../src/lib/files/paths.ts";
import { walk } from "./walk.ts";
import type { Workspace } from "./workspace.ts";

export interface FileStatistics {
  /** Regular files, the supervisor's own left out. */
  readonly filesCount: number;
  /** Bytes occupied, all files. */
  readonly diskUsed: number;
}

const KEPT_MS = 3000;

/** Whoever asks often gets one answer for some seconds. */
export function createStatistics(workspace: Workspace, disk: DiskLedger): () => Promise<FileStatistics> {
  let kept: { readonly answer: Promise<FileStatistics>; readonly until: number } | null = null;
  return () => {
    const now = performance.now();
    if (kept === null || now >= kept.until) kept = { answer: count(workspace, disk), until: now + KEPT_MS };
    return kept.answer;
  };
}

async function count(workspace: Workspace, disk: DiskLedger): Promise<FileStatistics> {
  await disk.measure();
  const pace = new Pace();
  let filesCount = 0;
  for (const found of walk(workspace, "", { recursive: true, skip: isHidden })) {
    if (found.type === "file") filesCount++;
    if (pace.isDue()) await pace.rest();
  }
  return { filesCount, diskUsed: disk.usedBytes };
}
