// One line of JSON per event, so that logs can be searched by field. Never give it a secret or a request body.

/** Logs what an operator has to look at. */
export function logError(event: string, fields: Readonly<Record<string, unknown>>): void {
  console.error(JSON.stringify({ level: "error", event, ...fields }));
}

/** The text of anything thrown, for a log or a reason; never for a client's `message` of an unexpected failure. */
export function describe(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
