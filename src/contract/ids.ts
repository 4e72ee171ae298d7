// Names of things on the wire. Ids are lower case because a session's id becomes a host name.

/** `ses_` + 20 of `0-9a-z`: about 103 bits, so an id cannot be guessed. */
export const SESSION_ID = /^ses_[0-9a-z]{20}$/;
/** `exe_` + 20 of `0-9a-z`. */
export const EXECUTION_ID = /^exe_[0-9a-z]{20}$/;
/** `snp_` + 20 of `0-9a-z`. */
export const SNAPSHOT_ID = /^snp_[0-9a-z]{20}$/;
/** `trm_` + 20 of `0-9a-z`. */
export const TERMINAL_ID = /^trm_[0-9a-z]{20}$/;
/** `ctx_` + 20 of `0-9a-z`. */
export const CONTEXT_ID = /^ctx_[0-9a-z]{20}$/;
/** `pvt_` + 20 of `0-9a-z`. Names a preview token without telling it. */
export const PREVIEW_TOKEN_ID = /^pvt_[0-9a-z]{20}$/;
/** `btp_`, the 20 characters of its id, and the 32 of its secret. */
export const PREVIEW_TOKEN = /^btp_([0-9a-z]{20})[0-9a-z]{32}$/;
/** `acc_` + 20 of `0-9a-z`. The development account has another id, see below. */
export const ACCOUNT_ID = /^acc_[0-9a-z]{20}$/;
/** `key_` + 20 of `0-9a-z`. */
export const KEY_ID = /^key_[0-9a-z]{20}$/;
/** `evt_` + 20 of `0-9a-z`. */
export const EVENT_ID = /^evt_[0-9a-z]{20}$/;
/** `whk_` + 20 of `0-9a-z`. */
export const WEBHOOK_ID = /^whk_[0-9a-z]{20}$/;
/** `dlv_` + 20 of `0-9a-z`. */
export const DELIVERY_ID = /^dlv_[0-9a-z]{20}$/;
/** A session's own name, unique per account. It must not look like an id. */
export const SESSION_NAME = /^(?!ses[_-])[a-zA-Z0-9_-]{1,64}$/;

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";
const RANDOM_LENGTH = 20;

/** A new random id such as `ses_3k9…`. */
export function newId(
  prefix: "ses" | "exe" | "snp" | "pvt" | "req" | "acc" | "key" | "whk" | "evt" | "dlv" | "trm" | "ctx",
): string {
  return `${prefix}_${randomText(RANDOM_LENGTH)}`;
}

/** The event that tells of a session's creation: the same for every teller of it, so that it is told once. */
export function creationEventId(sessionId: string): string {
  return sessionId.replace(/^ses_/, "evt_");
}

/** So many random characters of `0-9a-z`. Uniform: bytes above the last whole multiple of 36 are thrown away. */
export function randomText(length: number): string {
  let text = "";
  const limit = 256 - (256 % ALPHABET.length);
  while (text.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length * 2))) {
      if (byte < limit && text.length < length) {
        text += ALPHABET[byte % ALPHABET.length];
      }
    }
  }
  return text;
}

/** The account of who runs the platform. It is always there, and its first key is the operator's to set. */
export const DEVELOPMENT_ACCOUNT = "default";
/** Stands for it in the text of a key, where other accounts have the characters of their id. */
const DEVELOPMENT_PART = "0".repeat(RANDOM_LENGTH);
const SECRET_LENGTH = 32;
const API_KEY = new RegExp(`^btk_([0-9a-z]{${RANDOM_LENGTH}})[0-9a-z]{${SECRET_LENGTH}}$`);

/** The text of a new key. It names its account, so that a request finds the account without a directory of keys. */
export function newApiKey(accountId: string): string {
  return `btk_${partOfAccount(accountId)}${randomText(SECRET_LENGTH)}`;
}

/** How the text of a key, or of a run's token, names an account. */
export function partOfAccount(accountId: string): string {
  return accountId === DEVELOPMENT_ACCOUNT ? DEVELOPMENT_PART : accountId.slice("acc_".length);
}

export function accountOfPart(part: string): string {
  return part === DEVELOPMENT_PART ? DEVELOPMENT_ACCOUNT : `acc_${part}`;
}

/** The account that a key claims to be of; null where it has not the shape of a key. */
export function accountOfKey(key: string): string | null {
  const part = API_KEY.exec(key)?.[1];
  return part === undefined ? null : accountOfPart(part);
}

/** The DNS label of a session's preview: `ses_x` → `ses-x`, with another port than 8080 `ses-x-3000`. */
export function previewLabel(sessionId: string, port = PREVIEW_PORT): string {
  const label = sessionId.replace("_", "-");
  return port === PREVIEW_PORT ? label : `${label}-${port}`;
}

/** The port that a preview without a port in its host name goes to. */
export const PREVIEW_PORT = 8080;

/**
 * What the platform is called in containers of the embedded engine, which reach nothing else of the machine: the code of a
 * session reaches its account's storage there. `.internal` names nothing on the internet.
 */
export const PLATFORM_HOST = "buntime.internal";

/** What it answers there; everything of it wants a token. */
export const PLATFORM_PATHS = /^\/era\/api\/(storage|resources)\//;

/** Where the supervisor listens inside a container. Never reachable through a preview. */
export const CONTROL_PORT = 9797;
