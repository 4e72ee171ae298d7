// Signs webhooks as the Standard Webhooks specification says: https://github.com/standard-webhooks/standard-webhooks

const SECRET_PREFIX = "whsec_";
/** The specification wants 24 to 64. */
const SECRET_BYTES = 32;

export function newSecret(): string {
  return SECRET_PREFIX + crypto.getRandomValues(new Uint8Array(SECRET_BYTES)).toBase64();
}

export interface SignedMessage {
  readonly id: string;
  /** Of this attempt, in milliseconds since the epoch. */
  readonly at: number;
  readonly body: string;
}

export async function signatureHeaders(
  secret: string,
  { id, at, body }: SignedMessage,
): Promise<Readonly<Record<string, string>>> {
  const timestamp = String(Math.floor(at / 1000));
  const bytes = Uint8Array.fromBase64(secret.slice(SECRET_PREFIX.length));
  const key = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${body}`);
  const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, signed)).toBase64();
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
}
