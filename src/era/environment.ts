// Variables that every run finds. They win over those of the caller.
import type { Language } from "../contract/language.ts";
import type { EraCall } from "./call.ts";

export interface VariablesOptions {
  readonly language: Language;
  /** Of the session, in the API; null: one that is made for this run. */
  readonly ref: string | null;
  /** Seconds; null: what the plan has at most. */
  readonly timeout: number | null;
}

/** With a token for the account's storage, where the caller may use that. */
export async function eraVariables(
  { base, insideBase, plan, access }: EraCall,
  id: string,
  { language, ref, timeout }: VariablesOptions,
): Promise<Record<string, string>> {
  const token = access && (await access.lendToRun(ref, timeout ?? plan.timeoutSeconds.max));
  return {
    ERA_SESSION: "true",
    ERA_SESSION_ID: id,
    ERA_LANGUAGE: language,
    ERA_BASE_URL: base,
    ERA_PROXY_URL: proxyUrl(base, id),
    ERA_STORAGE_URL: insideBase,
    // Not one of the caller's, where this caller may not use the storage.
    ERA_STORAGE_TOKEN: token ?? "",
  };
}

export function proxyUrl(base: string, id: string): string {
  return `${base}/proxy/${id}`;
}
