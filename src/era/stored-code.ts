// The code that a session keeps, for runs without any and for requests to `/proxy`. A file of the workspace, so that copies of
// the session have it and it is read while the session sleeps.
import { SOURCE_BYTES } from "../contract/limits.ts";
import type { EraCall } from "./call.ts";
import { StoredCode } from "./contract.ts";
import { OWN_DIRECTORY } from "./places.ts";
import { readFile, writeFile } from "./workspace.ts";

const CODE_FILE = `${OWN_DIRECTORY}/code.json`;
/** With every character escaped. */
const FILE_BYTES = SOURCE_BYTES * 6;

/** Null where none was stored. */
export async function readCode(call: EraCall, ref: string): Promise<StoredCode | null> {
  const file = await readFile(call, ref, CODE_FILE, FILE_BYTES);
  try {
    return StoredCode.nullable().parse(JSON.parse(file?.text ?? "null"));
  } catch {
    // The session's own programs can reach it, too.
    return null;
  }
}

export async function storeCode(call: EraCall, ref: string, code: StoredCode): Promise<void> {
  await writeFile(call, ref, CODE_FILE, { text: JSON.stringify(code) });
}
