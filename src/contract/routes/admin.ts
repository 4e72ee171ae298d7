// The operator's own API: accounts, and what happened to them.
import * as z from "zod";
import {
  Account,
  AccountId,
  AccountList,
  AuditPage,
  AuditQuery,
  CreateAccount,
  CreateKey,
  NewAccount,
  NewKey,
  UpdateAccount,
} from "../account.ts";
import { Paging } from "../primitives.ts";
import { route } from "../route.ts";

const OfAccount = z.object({ accountId: AccountId });

export const ADMIN = {
  createAccount: route({
    method: "post",
    path: "/admin/accounts",
    tag: "Operator",
    scope: "operator",
    summary: "Create an account and its first key, which is shown in this answer only",
    body: CreateAccount,
    answers: { 201: { json: NewAccount } },
    errors: ["payload_too_large"],
  }),
  listAccounts: route({
    method: "get",
    path: "/admin/accounts",
    tag: "Operator",
    scope: "operator",
    summary: "List accounts, newest first",
    query: Paging,
    answers: { 200: { json: AccountList } },
    errors: [],
  }),
  getAccount: route({
    method: "get",
    path: "/admin/accounts/{accountId}",
    tag: "Operator",
    scope: "operator",
    summary: "Get an account",
    params: OfAccount,
    answers: { 200: { json: Account } },
    errors: ["not_found"],
  }),
  updateAccount: route({
    method: "patch",
    path: "/admin/accounts/{accountId}",
    tag: "Operator",
    scope: "operator",
    summary: "Change an account's name, plan or limits, suspend it, let it in again",
    params: OfAccount,
    body: UpdateAccount,
    answers: { 200: { json: Account } },
    errors: ["not_found", "conflict", "payload_too_large"],
  }),
  deleteAccount: route({
    method: "delete",
    path: "/admin/accounts/{accountId}",
    tag: "Operator",
    scope: "operator",
    summary: "Delete an account and all it owns. Its keys are refused from now on; the rest follows",
    params: OfAccount,
    answers: { 200: { json: Account } },
    errors: ["not_found"],
  }),
  createAccountKey: route({
    method: "post",
    path: "/admin/accounts/{accountId}/keys",
    tag: "Operator",
    scope: "operator",
    summary: "Create a key of an account",
    params: OfAccount,
    body: CreateKey,
    answers: { 201: { json: NewKey } },
    errors: ["not_found", "conflict", "session_not_found", "payload_too_large"],
  }),
  listAudit: route({
    method: "get",
    path: "/admin/audit",
    tag: "Operator",
    scope: "operator",
    summary: "What happened to accounts and keys, and who was refused, within 90 days",
    query: AuditQuery,
    answers: { 200: { json: AuditPage } },
    errors: [],
  }),
} as const;
