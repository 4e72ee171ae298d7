// Names that the client chooses itself, so that a call which is sent again is known: an idempotency key for each call, and
// the ids of terminals.

/** 128 random bits. `crypto.randomUUID` is missing from pages that were loaded without TLS. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** `trm_` and 20 characters of 0-9a-z. */
export function newTerminalId(): string {
  return `trm_${Array.from(crypto.getRandomValues(new Uint8Array(20)), (byte) => (byte % 36).toString(36)).join("")}`;
}
