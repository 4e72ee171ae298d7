// Accounts of their own for the load figures, made by the operator, with limits wide enough to be measured under.
import { NewAccount } from "../../src/contract/account.ts";
import type { OwnLimits } from "../../src/contract/account.ts";
import { Client } from "../../scripts/client.ts";
import type { Bench } from "./bench.ts";

/** Opens the operator's API of the platform that is measured. */
export const ADMIN_KEY = "adm_bench0000000000000000";

const WIDE: OwnLimits = { requestsPerMinute: 1_000_000, previewsPerMinute: 1_000_000, sessions: 1000 };

export interface BenchAccount {
  readonly id: string;
  readonly client: Client;
  readonly operator: Client;
  /** Resolves when it is gone with all its sessions. */
  remove(): Promise<void>;
}

export async function newAccount({ client }: Bench, limits: OwnLimits): Promise<BenchAccount> {
  const { url, domain } = client;
  const operator = new Client({ url: url.href, apiKey: ADMIN_KEY, domain });
  const body = { name: "bench", plan: "enterprise", limits: { ...WIDE, ...limits } };
  const { id, key } = await operator.ask(NewAccount, "POST", "/admin/accounts", body);
  return {
    id,
    operator,
    client: new Client({ url: url.href, apiKey: key, domain }),
    async remove() {
      await operator.request("DELETE", `/admin/accounts/${id}`);
      while ((await operator.request("GET", `/admin/accounts/${id}`)).status === 200) {
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    },
  };
}
