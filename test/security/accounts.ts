// Who acts in these tests: `alice` owns something, `mallory` wants it, the operator runs the platform.
import { inject } from "vitest";
import { Client } from "../../scripts/client.ts";
import { ADDRESS_HEADER } from "./global-setup.ts";
import type { AccountName } from "./global-setup.ts";

export const run = inject("run");

export function clientWith(apiKey: string): Client {
  return new Client({ url: run.url, apiKey, domain: run.domain });
}

/** As somebody who was not here before: random, since test files share the platform and nothing else. */
export function fromElsewhere(): Record<string, string> {
  return { [ADDRESS_HEADER]: ["10", ...crypto.getRandomValues(new Uint8Array(3))].join(".") };
}

export const clientOf = (name: AccountName): Client => clientWith(run.accounts[name].key);
export const operator = (): Client => clientWith(run.adminKey);
