// Names of things on the wire. Ids are lower case because a session's id becomes a host name.

/** `ses_` + 20 of `0-9a-z`: about 103 bits, so an id cannot be guessed. */
export const SESSION_ID = /^ses_[0-9a-z]{20}$/;
/** `exe_` + 20 of `0-9a-z`. */
export const EXECUTION_ID = /^exe_[0-9a-z]{20}$/;
/** `snp_` + 20 of `0-9a-z`. */
export const SNAPSHOT_ID = /^snp_[0-9a-z]{20}$/;
/** A session's own name, unique per account. It must not look like an id. */
export const SESSION_NAME = /^(?!ses[_-])[a-zA-Z0-9_-]{1,64}$/;

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";
const RANDOM_LENGTH = 20;

/** A new random id such as `ses_3k9…`. Uniform: bytes above the last whole multiple of 36 are thrown away. */
export function newId(prefix: "ses" | "exe" | "snp" | "req"): string {
  let id = `${prefix}_`;
  const limit = 256 - (256 % ALPHABET.length);
  while (id.length < prefix.length + 1 + RANDOM_LENGTH) {
    for (const byte of crypto.getRandomValues(new Uint8Array(RANDOM_LENGTH * 2))) {
      if (byte < limit && id.length < prefix.length + 1 + RANDOM_LENGTH) {
        id += ALPHABET[byte % ALPHABET.length];
      }
    }
  }
  return id;
}

/** The DNS label of a session's preview: `ses_x` → `ses-x`, with another port than 8080 `ses-x-3000`. */
export function previewLabel(sessionId: string, port = PREVIEW_PORT): string {
  const label = sessionId.replace("_", "-");
  return port === PREVIEW_PORT ? label : `${label}-${port}`;
}

/** The port that a preview without a port in its host name goes to. */
export const PREVIEW_PORT = 8080;

/** Where the supervisor listens inside a container. Never reachable through a preview. */
export const CONTROL_PORT = 9797;
