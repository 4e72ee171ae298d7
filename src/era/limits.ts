// What the dialect limits beside what the API does anyway. Sizes in bytes.

const MIB = 1024 * 1024;

/** A JSON body: stored code and data have to fit, with their escapes. */
export const BODY_BYTES = 16 * MIB;
/** `.session_data.json`, as it is read and written here. Code may let it grow larger, and is then told nothing of it. */
export const DATA_BYTES = MIB;
/** Of a request to `/proxy`: it becomes an environment variable. */
export const PROXIED_BODY_BYTES = 32 * 1024;
/** In one answer to a listing. */
export const FILES_LISTED = 1000;
export const SESSIONS_LISTED = 100;
/** Sessions that are asked at the same time, where an answer is about many. */
export const AT_ONCE = 8;
/** What deleting all sessions may take; it tells how many are left. */
export const DELETE_ALL_MS = 25_000;
/** Attempts to change `.session_data.json` while others change it, too. */
export const DATA_ATTEMPTS = 8;
/** A session's time to live is counted anew once so much of it has passed. */
export const TTL_EXTENDED_MS = 3_600_000;
/** For the copy that one run of a session without persistence is given, should nobody come to remove it. */
export const COPY_TTL_SECONDS = 900;
/** Of each list of `setup`. */
export const SETUP_ITEMS = 100;
