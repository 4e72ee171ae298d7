// The account of whoever asks.
import { accountOf } from "../../account/rpc.ts";
import type { Handlers } from "../bind.ts";

export const accountHandlers = {
  getOwnAccount: ({ env, principal }) => accountOf(env, principal.accountId).describe(),
} satisfies Partial<Handlers>;
