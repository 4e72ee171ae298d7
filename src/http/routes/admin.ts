// The operator's own API: accounts, and what happened to them.
import { registryOf } from "../../account/registry-rpc.ts";
import { ok } from "../../lib/result.ts";
import type { Handlers } from "../bind.ts";

export const adminHandlers = {
  createAccount: ({ env }, { body }) => registryOf(env).create(body),

  listAccounts: async ({ env }, { query }) => ok(await registryOf(env).list(query)),

  getAccount: ({ env }, { params }) => registryOf(env).get(params.accountId),

  updateAccount: ({ env }, { params, body }) => registryOf(env).update(params.accountId, body),

  deleteAccount: ({ env }, { params }) => registryOf(env).remove(params.accountId),

  createAccountKey: ({ env }, { params, body }) => registryOf(env).createKey(params.accountId, body),

  listAudit: async ({ env }, { query }) => ok(await registryOf(env).audit(query)),
} satisfies Partial<Handlers>;
