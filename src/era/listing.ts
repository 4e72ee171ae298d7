// The files of a session as ERA lists them: all of them at once, without directories.
import { FILES } from "../contract/routes/files.ts";
import type { SessionInfo } from "../contract/session.ts";
import type { EraCall } from "./call.ts";
import { isOwn } from "./places.ts";

const PAGE = 100;

interface ListedFile {
  readonly path: string;
  readonly size: number;
  readonly modified_at: string;
  readonly uploaded: string;
}

interface Listing {
  readonly files: readonly ListedFile[];
  /** There are more behind them. */
  readonly truncated: boolean;
}

/** By path. At most `limit` of them after the first `offset`. A sleeping session is not woken. */
export async function filesOf(
  { api }: EraCall,
  ref: string,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<Listing> {
  const files: ListedFile[] = [];
  let passed = 0;
  for (let at = 0; ; at += PAGE) {
    const query = { sessionId: ref, recursive: "true", limit: `${PAGE}`, offset: `${at}` } as const;
    const page = await api.call(FILES.listFiles, { query });
    for (const { path, size, modified, type } of page.files) {
      if (type === "directory" || isOwn(path) || passed++ < offset) {
        continue;
      }
      if (files.length === limit) {
        return { files, truncated: true };
      }
      files.push({ path, size, modified_at: modified, uploaded: modified });
    }
    if (at + PAGE >= page.total) {
      return { files, truncated: false };
    }
  }
}

/** How many files there are, and how large. Where not all are listed, what the session itself knows, which may lag behind. */
export function totals(
  { files, truncated }: Listing,
  offset: number,
  { filesCount, diskUsed }: Pick<SessionInfo, "filesCount" | "diskUsed">,
): { readonly count: number | null; readonly bytes: number | null } {
  return {
    count: truncated ? filesCount : offset + files.length,
    bytes: truncated || offset > 0 ? diskUsed : files.reduce((sum, { size }) => sum + size, 0),
  };
}
