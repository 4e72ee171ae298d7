// The account of whoever asks.
import { OwnAccount } from "../account.ts";
import { route } from "../route.ts";

export const OWN_ACCOUNT = {
  getOwnAccount: route({
    method: "get",
    path: "/account",
    tag: "Account",
    scope: "sessions:read",
    summary: "Get the account of the key: its limits, and how much of them is used",
    answers: { 200: { json: OwnAccount } },
    errors: [],
  }),
} as const;
