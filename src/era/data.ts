// A session's `data`: a JSON object in `.session_data.json`, which its code reads and writes like any file. What is merged
// into it here never undoes what code writes at the same time.
import { JSON_DEPTH } from "../contract/limits.ts";
import { ProblemError } from "../lib/problem-error.ts";
import { parseJson } from "../lib/strict-json.ts";
import type { EraCall } from "./call.ts";
import { EraData } from "./contract.ts";
import { DATA_ATTEMPTS, DATA_BYTES } from "./limits.ts";
import { DATA_FILE } from "./places.ts";
import { placeClients } from "./storage/clients.ts";
import { readFile, writeFile } from "./workspace.ts";
import type { ReadFile } from "./workspace.ts";

/** Null: the file holds no JSON object, or one that is larger than DATA_BYTES. */
export async function readData(call: EraCall, ref: string): Promise<EraData | null> {
  return dataIn(await readFile(call, ref, DATA_FILE, DATA_BYTES));
}

export interface DataChange {
  readonly set?: EraData;
  readonly removed?: readonly string[];
}

/** What has become of `before`, to be done to what others have made of it meanwhile. */
export function changeBetween(before: EraData, after: EraData): DataChange {
  const was = new Map(Object.entries(before).map(([name, value]) => [name, JSON.stringify(value)]));
  const set = Object.entries(after).filter(([name, value]) => JSON.stringify(value) !== was.get(name));
  return { set: Object.fromEntries(set), removed: [...was.keys()].filter((name) => !Object.hasOwn(after, name)) };
}

/** The file is there afterwards, with the change in it. What is no JSON object is replaced where there is one. */
export async function changeData(call: EraCall, ref: string, { set = {}, removed = [] }: DataChange): Promise<void> {
  for (let attempt = 0; attempt < DATA_ATTEMPTS; attempt++) {
    const file = await readFile(call, ref, DATA_FILE, DATA_BYTES);
    if (file !== null && Object.keys(set).length + removed.length === 0) {
      return;
    }
    const left = Object.entries(dataIn(file) ?? {}).filter(([name]) => !removed.includes(name));
    const changed = EraData.safeParse({ ...Object.fromEntries(left), ...set });
    if (!changed.success) {
      throw new ProblemError(
        "invalid_request",
        `With this the session's data would be larger than ${DATA_BYTES} bytes as JSON.`,
        { limitBytes: DATA_BYTES },
      );
    }
    if (file === null) {
      // Once, so that what code deletes stays deleted.
      await placeClients(call, ref);
    }
    if (await writeFile(call, ref, DATA_FILE, { text: JSON.stringify(changed.data), over: file })) {
      return;
    }
  }
  throw new ProblemError("conflict", "The session's data is changed by too many others at the same time. Try again.");
}

export async function replaceData(call: EraCall, ref: string, data: EraData): Promise<void> {
  await writeFile(call, ref, DATA_FILE, { text: JSON.stringify(data) });
}

function dataIn(file: ReadFile | null): EraData | null {
  if (file === null) {
    return {};
  }
  const json = file.text === null ? null : parseJson(file.text, JSON_DEPTH);
  const data = json?.ok === true ? EraData.safeParse(json.value) : null;
  return data?.success === true ? data.data : null;
}
