// One platform for the whole run, with an operator and the accounts that the tests play against each other.
import type { TestProject } from "vitest/node";
import { NewAccount } from "../../src/contract/account.ts";
import { randomText } from "../../src/contract/ids.ts";
import { Client } from "../../scripts/client.ts";
import { startTestPlatform } from "../support/platform.ts";

/** Random from end to end: what is looked for in what the platform stores must not be there by chance. */
const ADMIN_KEY = `adm_sec${randomText(32)}`;
const DEVELOPMENT_KEY = `btk_dev${randomText(32)}`;

/** So that tests which guess keys do it from elsewhere than where the operator is. */
export const ADDRESS_HEADER = "x-client-address";

/** Wide, so that no test meets a limit of another's; the sessions of `fuzzed` are few, since each costs a container. */
const LIMITS = { requestsPerMinute: 1_000_000, previewsPerMinute: 1_000_000, sessions: 50 };
const ACCOUNTS = { alice: LIMITS, mallory: LIMITS, fuzzed: { ...LIMITS, sessions: 100 } } as const;
export type AccountName = keyof typeof ACCOUNTS;

export interface SecurityRun {
  readonly url: string;
  readonly domain: string;
  readonly dataDir: string;
  readonly logFile: string;
  readonly adminKey: string;
  readonly developmentKey: string;
  readonly accounts: Readonly<Record<AccountName, { readonly id: string; readonly key: string }>>;
}

declare module "vitest" {
  interface ProvidedContext {
    run: SecurityRun;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const platform = await startTestPlatform({
    docker: process.env["BUNTIME_E2E"] === "docker",
    env: { BUNTIME_ADMIN_KEY: ADMIN_KEY, BUNTIME_API_KEY: DEVELOPMENT_KEY, CLIENT_ADDRESS_HEADER: ADDRESS_HEADER },
  });
  const { client, dataDir, logFile } = platform;
  const operator = new Client({ url: client.url.href, apiKey: ADMIN_KEY, domain: client.domain });
  const create = async (name: AccountName): Promise<{ id: string; key: string }> => {
    const body = { name, plan: "enterprise", limits: ACCOUNTS[name] };
    const { id, key } = await operator.ask(NewAccount, "POST", "/admin/accounts", body);
    return { id, key };
  };
  const [alice, mallory, fuzzed] = await Promise.all([create("alice"), create("mallory"), create("fuzzed")]);
  project.provide("run", {
    url: client.url.href,
    domain: client.domain,
    dataDir,
    logFile,
    adminKey: ADMIN_KEY,
    developmentKey: DEVELOPMENT_KEY,
    accounts: { alice, mallory, fuzzed },
  });
  return () => platform.stop();
}
