// What the storage of one account may hold, and what one call of it may take. Sizes in bytes.

const KIB = 1024;
const MIB = 1024 * KIB;

/** Of all kinds together. */
export const NAMESPACES = 100;
/** Values, objects and databases together, with their keys and metadata. Well below what a Durable Object may have, 10 GB. */
export const ACCOUNT_BYTES = 1024 * MIB;
/** What an entry takes beside its key, value and metadata, so that empty ones come to an end, too. */
export const ENTRY_BYTES = 128;
export const KEY_BYTES = 512;
/** As JSON. */
export const VALUE_BYTES = MIB;
export const OBJECT_BYTES = 10 * MIB;
/** As JSON. */
export const METADATA_BYTES = 2 * KIB;
/** Of one row of a Durable Object's database, which may have 2 MB. */
export const PART_BYTES = MIB;
/** In one answer to a listing. */
export const LISTED = { usual: 100, most: 1000 } as const;

export const DATABASE_BYTES = 256 * MIB;
/** What SQLite takes in a Durable Object: https://developers.cloudflare.com/durable-objects/platform/limits/ */
export const SQL_BYTES = 100_000;
export const SQL_PARAMETERS = 100;
export const SQL_STATEMENTS = 100;
/** Parentheses in each other. */
export const SQL_NESTING = 50;
/** In one answer. Where a query has more, it is refused: part of an answer would be taken for the whole. */
export const SQL_ROWS = 10_000;
export const SQL_ANSWER_BYTES = 4 * MIB;
/** Of what a query makes out of itself, `WITH RECURSIVE`. */
export const SQL_RECURSION_ROWS = 100_000;

/** A call of an account's storage. Beyond what Cloudflare gives a query, which is 30 s of CPU. */
export const CALL_MS = 45_000;
/** What the clients in a session wait for an answer: longer than the call that it is about. */
export const RESPONSE_MS = CALL_MS + 15_000;
/** What the token of a run is good for beyond its time-out: the run has to begin first. */
export const TOKEN_GRACE_MS = 60_000;
/** Databases that are removed at the same time, with their account. */
export const ERASED_AT_ONCE = 8;
