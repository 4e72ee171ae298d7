// Whether there is a way to the platform: what the browser says of the network, and what the last call met.
import { computed, effect, signal } from "@preact/signals";
import { BuntimeError } from "../../sdk/index.ts";
import { signOut } from "./access.ts";
import { reached } from "./reached.ts";

const online = signal(navigator.onLine);

export const isOffline = computed(() => !online.value || !reached.value);

addEventListener("online", () => {
  online.value = true;
  void probe();
});
addEventListener("offline", () => {
  online.value = false;
});

/** Told of every call's end: a lost network shows, a key that is refused signs out. */
export function noteOutcome(error: unknown): void {
  if (!(error instanceof BuntimeError)) {
    reached.value = true;
    return;
  }
  if (error.code === "aborted") return;
  reached.value = error.code !== "network_error" && error.code !== "timeout";
  if (error.code === "unauthorized") signOut("The key is not valid any more: it has expired or was revoked.");
}

/** Between two looks whether the platform is back. */
const PROBE_MS = 2000;

// While it is away it is asked for, so that the page knows of its return without a call of its own.
effect(() => {
  if (reached.value) return undefined;
  const timer = setInterval(() => void probe(), PROBE_MS);
  return () => clearInterval(timer);
});

async function probe(): Promise<void> {
  const answer = await fetch("/health", { cache: "no-store" }).catch(() => null);
  if (answer?.ok === true) reached.value = true;
}
