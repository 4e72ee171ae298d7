// An account's keys.
import * as z from "zod";
import { CreateKey, KeyId, KeyList, NewKey } from "../account.ts";
import { Paging } from "../primitives.ts";
import { route } from "../route.ts";

const OfKey = z.object({ keyId: KeyId });

export const KEYS = {
  createKey: route({
    method: "post",
    path: "/keys",
    tag: "Account",
    scope: "admin",
    accountWide: true,
    summary: "Create a key. Its text is shown in this answer only",
    body: CreateKey,
    answers: { 201: { json: NewKey } },
    errors: ["conflict", "session_not_found", "payload_too_large"],
  }),
  listKeys: route({
    method: "get",
    path: "/keys",
    tag: "Account",
    scope: "admin",
    summary: "List the account's keys, newest first",
    query: Paging,
    answers: { 200: { json: KeyList } },
    errors: [],
  }),
  revokeKey: route({
    method: "delete",
    path: "/keys/{keyId}",
    tag: "Account",
    scope: "admin",
    summary: "Revoke a key. The next request with it is refused",
    params: OfKey,
    answers: { 200: { json: z.object({ deleted: z.literal(true), id: KeyId }) } },
    errors: ["not_found"],
  }),
  rotateKey: route({
    method: "post",
    path: "/keys/{keyId}/rotate",
    tag: "Account",
    scope: "admin",
    summary: "Give a key a new text. The old one is refused from now on",
    params: OfKey,
    answers: { 200: { json: NewKey } },
    errors: ["not_found"],
  }),
} as const;
