// Files of a session as the dialect itself uses them: whole, small, and as JSON. A sleeping session is read without waking it.
import { encodePath } from "../lib/route-path.ts";
import type { ErrorBody } from "../contract/errors.ts";
import { problemError } from "../lib/problem-error.ts";
import type { EraCall } from "./call.ts";

export interface ReadFile {
  /** Null where it is larger than was asked for, or no text. */
  readonly text: string | null;
  readonly etag: string;
}

/** Null where there is none. */
export async function readFile(call: EraCall, ref: string, path: string, bytes: number): Promise<ReadFile | null> {
  const response = await call.send(new Request(fileUrl(ref, path)));
  if (!response.ok) {
    const problem = await problemOf(response);
    if (problem.code === "file_not_found") {
      return null;
    }
    throw problemError(problem);
  }
  const etag = response.headers.get("etag") ?? "";
  if (Number(response.headers.get("content-length") ?? 0) > bytes) {
    await response.body?.cancel();
    return { text: null, etag };
  }
  try {
    const content = await response.arrayBuffer();
    return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(content), etag };
  } catch (error) {
    if (error instanceof TypeError) {
      return { text: null, etag };
    }
    throw error;
  }
}

/** `over`: the file that it takes the place of, which must be as it was; null: there must be none; absent: whatever is there. */
export async function writeFile(
  call: EraCall,
  ref: string,
  path: string,
  { text, over }: { readonly text: string; readonly over?: ReadFile | null },
): Promise<boolean> {
  const headers = new Headers();
  if (over !== undefined) {
    headers.set(over === null ? "if-none-match" : "if-match", over?.etag ?? "*");
  }
  const body = new TextEncoder().encode(text);
  const response = await call.send(new Request(fileUrl(ref, path), { method: "PUT", headers, body }));
  if (response.ok) {
    await response.body?.cancel();
    return true;
  }
  const problem = await problemOf(response);
  if (problem.code === "precondition_failed") {
    return false;
  }
  throw problemError(problem);
}

/** One that is not there is fine. */
export async function removeFile(call: EraCall, ref: string, path: string): Promise<void> {
  const response = await call.send(new Request(fileUrl(ref, path), { method: "DELETE" }));
  if (response.ok) {
    await response.body?.cancel();
    return;
  }
  const problem = await problemOf(response);
  if (problem.code !== "file_not_found") {
    throw problemError(problem);
  }
}

export function fileUrl(ref: string, path: string): string {
  return `http://api/sessions/${ref}/files/${encodePath(path)}`;
}

async function problemOf(response: Response): Promise<ErrorBody["error"]> {
  return (await response.json<ErrorBody>()).error;
}
