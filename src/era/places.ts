// Where the dialect keeps what it keeps in a workspace.

/** ERA's own name for a session's `data`, which code reads and writes. */
export const DATA_FILE = ".session_data.json";
/** The dialect's own files lie here, and are left out of its listings, as the clients are. */
export const OWN_DIRECTORY = ".era";
/** For code, to reach the account's storage by. */
export const STORAGE_CLIENTS = ["era_storage.py", "era_storage.js"] as const;

/** What Python makes of the first of them. */
const COMPILED_CLIENT = /^__pycache__\/era_storage\.[^/]*$/;

/** Whether it is there for the dialect's sake. */
export function isOwn(path: string): boolean {
  return (
    path.startsWith(`${OWN_DIRECTORY}/`) ||
    STORAGE_CLIENTS.some((client) => client === path) ||
    COMPILED_CLIENT.test(path)
  );
}
