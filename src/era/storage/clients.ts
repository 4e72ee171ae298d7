// The clients of the storage, as files of a workspace.
import type { EraCall } from "../call.ts";
import { STORAGE_CLIENTS } from "../places.ts";
import { writeFile } from "../workspace.ts";
import { JAVASCRIPT_CLIENT } from "./javascript-client.ts";
import { PYTHON_CLIENT } from "./python-client.ts";

const [PYTHON_FILE, JAVASCRIPT_FILE] = STORAGE_CLIENTS;

export const STORAGE_CLIENT_FILES = [
  { path: PYTHON_FILE, content: PYTHON_CLIENT },
  { path: JAVASCRIPT_FILE, content: JAVASCRIPT_CLIENT },
] as const;

/** A file of that name that is there already stays. */
export async function placeClients(call: EraCall, ref: string): Promise<void> {
  await Promise.all(
    STORAGE_CLIENT_FILES.map(({ path, content }) => writeFile(call, ref, path, { text: content, over: null })),
  );
}
