// The route table: every operation of the API, once. The server is built from it (http/bind.ts), the OpenAPI document
// is generated from it (http/openapi.ts), clients are checked against it. Paths are relative to `/api`.
import type { Route } from "./route.ts";
import { OWN_ACCOUNT } from "./routes/account.ts";
import { ADMIN } from "./routes/admin.ts";
import { CONTEXT_ROUTES } from "./routes/contexts.ts";
import { EVENT_ROUTES } from "./routes/events.ts";
import { EXECUTE } from "./routes/execute.ts";
import { FILES } from "./routes/files.ts";
import { HISTORY_ROUTES } from "./routes/history.ts";
import { KEYS } from "./routes/keys.ts";
import { PREVIEWS } from "./routes/previews.ts";
import { SESSIONS } from "./routes/sessions.ts";
import { SNAPSHOTS } from "./routes/snapshots.ts";
import { TERMINAL_ROUTES } from "./routes/terminals.ts";
import { USAGE } from "./routes/usage.ts";

export const ROUTES = {
  ...SESSIONS,
  ...EXECUTE,
  ...CONTEXT_ROUTES,
  ...HISTORY_ROUTES,
  ...TERMINAL_ROUTES,
  ...FILES,
  ...SNAPSHOTS,
  ...PREVIEWS,
  ...EVENT_ROUTES,
  ...OWN_ACCOUNT,
  ...USAGE,
  ...KEYS,
  ...ADMIN,
} as const satisfies Record<string, Route>;
