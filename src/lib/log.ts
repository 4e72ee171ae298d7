// One line of JSON per event, so that logs can be searched by field. Never give it a secret or a request body.

/** Keys and preview tokens, wherever a URL or a message has brought them. */
const SECRET = /\b(bt[kp]_)[0-9a-zA-Z_-]+/g;

/** Logs what an operator has to look at. */
export function logError(event: string, fields: Readonly<Record<string, unknown>>): void {
  console.error(JSON.stringify({ level: "error", event, ...fields }).replaceAll(SECRET, "$1…"));
}

/** The text of anything thrown, for a log or a reason; never for a client's `message` of an unexpected failure. */
export function describe(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
