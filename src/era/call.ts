// One call of ERA's API, as its handlers see it.
import type { Plan } from "../contract/limits.ts";
import type { Api, Send } from "../lib/api.ts";
import type { StorageAccess } from "../data/storage.ts";

export interface EraCall {
  readonly request: Request;
  /** The path without `/era`. */
  readonly path: string;
  /** The address that ERA's paths are relative to, such as `https://buntime.example.com/era`. */
  readonly base: string;
  /** The same, as code in a session reaches it. */
  readonly insideBase: string;
  readonly plan: Plan;
  readonly requestId: string;
  readonly api: Api;
  /** The API, for what is no JSON: streams and bytes. */
  readonly send: Send;
  /** The account's storage. Null: not for this caller. */
  readonly access: StorageAccess | null;
  readonly waitUntil: (work: Promise<unknown>) => void;
}
