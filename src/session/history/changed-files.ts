// Which files a client has changed, as the supervisor's answer to it says: a short one, with `path` or `files`.
import type { FileWritten } from "../../contract/files.ts";

const SHORT_BYTES = 64 * 1024;

/** `response` is to be used in place of the one that was given. */
export async function readChangedFiles(
  response: Response,
): Promise<{ readonly paths: readonly string[]; readonly response: Response }> {
  const length = Number(response.headers.get("content-length") ?? Number.NaN);
  const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
  if (!response.ok || !isJson || !(length > 0 && length <= SHORT_BYTES)) {
    return { paths: [], response };
  }
  const text = await response.text();
  // SAFETY: the supervisor wrote it, as the contract says.
  const { path, files } = JSON.parse(text) as { path?: string; files?: FileWritten[] | number };
  const paths = path !== undefined ? [path] : Array.isArray(files) ? files.map((file) => file.path) : [];
  return { paths, response: new Response(text, response) };
}
