// An account's keys.
import { accountOf } from "../../account/rpc.ts";
import { ok } from "../../lib/result.ts";
import type { Handlers } from "../bind.ts";

export const keyHandlers = {
  createKey: ({ env, principal }, { body }) =>
    accountOf(env, principal.accountId).createKey(body, { actor: principal.keyId }),

  listKeys: async ({ env, principal }, { query }) => ok(await accountOf(env, principal.accountId).keys(query)),

  revokeKey: ({ env, principal }, { params }) =>
    accountOf(env, principal.accountId).revokeKey(params.keyId, { actor: principal.keyId }),

  rotateKey: ({ env, principal }, { params }) =>
    accountOf(env, principal.accountId).rotateKey(params.keyId, { actor: principal.keyId }),
} satisfies Partial<Handlers>;
