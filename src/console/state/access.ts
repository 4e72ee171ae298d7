// The key with which the console calls the API. It lives as long as the tab, and never stands in an address.
import { computed, signal } from "@preact/signals";
import { Buntime } from "../../sdk/index.ts";
import type { BuntimeError } from "../../sdk/index.ts";
import { reached } from "./reached.ts";

const PLACE = "buntime.key";

const key = signal(sessionStorage.getItem(PLACE));

/** What calls the API; null: nobody has signed in. */
export const client = computed(() =>
  key.value === null
    ? null
    : new Buntime({ apiKey: key.value, baseUrl: `${location.origin}/api`, maxRetries: 2, onRetry }),
);

/** A stream or a terminal seeks its connection again: that shows, although no call has failed. */
function onRetry({ error }: { readonly error: BuntimeError }): void {
  if (error.code === "network_error" || error.code === "timeout") reached.value = false;
}

/** Why the last one was signed out by the console itself; null otherwise. */
export const signedOutBecause = signal<string | null>(null);

/** @throws BuntimeError `unauthorized` for a key that is wrong, expired or revoked; `network_error` without a connection */
export async function signIn(candidate: string): Promise<void> {
  const asked = new Buntime({ apiKey: candidate, baseUrl: `${location.origin}/api`, maxRetries: 0 });
  await asked.sessions.list({ limit: 1 });
  sessionStorage.setItem(PLACE, candidate);
  signedOutBecause.value = null;
  key.value = candidate;
}

export function signOut(because: string | null = null): void {
  sessionStorage.removeItem(PLACE);
  signedOutBecause.value = because;
  key.value = null;
}

/** The client of somebody who has signed in: below the sign-in page there always is one. */
export function api(): Buntime {
  if (client.value === null) throw new Error("nobody has signed in");
  return client.value;
}

/** The header by which a request of the page's own is known: one whose progress is looked at, which fetch cannot tell. */
export function authorization(): string {
  return `Bearer ${key.value ?? ""}`;
}
