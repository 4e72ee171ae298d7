// Accounts for the worker suite: made by the operator over HTTP, as outside.
import { SELF } from "cloudflare:test";
import { expect } from "vitest";
import { NewAccount, NewKey } from "../../src/contract/account.ts";
import type { CreateAccount, CreateKey } from "../../src/contract/account.ts";
import type { z } from "zod";
import { ask } from "./client.ts";
import type { Ask } from "./client.ts";

export const ADMIN_KEY = "admin_worker_tests_only";

/** Asks as who has this key. */
export function askAs(
  key: string,
  method: string,
  path: string,
  { headers = {}, ...rest }: Ask = {},
): Promise<Response> {
  return ask(method, path, { ...rest, headers: { ...headers, authorization: `Bearer ${key}` } });
}

/** Asks the operator's API, below `/admin`. */
export function operate(method: string, path: string, body?: unknown): Promise<Response> {
  return askAs(ADMIN_KEY, method, `/admin${path}`, { body });
}

export async function createAccount(body: Partial<z.input<typeof CreateAccount>> = {}): Promise<NewAccount> {
  const response = await operate("POST", "/accounts", { name: "test", ...body });
  const text = await response.text();
  expect(response.status, text).toBe(201);
  return NewAccount.parse(JSON.parse(text));
}

/** With the key of its account, or with the development account's. */
export async function createKey(body: z.input<typeof CreateKey> = {}, by?: string): Promise<NewKey> {
  const response = await (by === undefined ? ask("POST", "/keys", { body }) : askAs(by, "POST", "/keys", { body }));
  const text = await response.text();
  expect(response.status, text).toBe(201);
  return NewKey.parse(JSON.parse(text));
}

/** The status that a key gets for listing its sessions. */
export async function standingOf(key: string): Promise<number> {
  const response = await SELF.fetch("http://localhost:8787/api/sessions", {
    headers: { authorization: `Bearer ${key}` },
  });
  await response.body?.cancel();
  return response.status;
}
