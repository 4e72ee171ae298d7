// What keys may be allowed, by name. Without zod, so that what runs in a browser can list them.
export const SCOPES = [
  "sessions:read",
  "sessions:write",
  "execute",
  "files:read",
  "files:write",
  "storage",
  "admin",
] as const;
