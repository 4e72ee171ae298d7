// The route table: every operation of the API, once. The server is built from it (http/bind.ts), the OpenAPI document
// is generated from it (http/openapi.ts), clients are checked against it. Paths are relative to `/api`.
import type { Route } from "./route.ts";
import { EXECUTE } from "./routes/execute.ts";
import { FILES } from "./routes/files.ts";
import { SESSIONS } from "./routes/sessions.ts";
import { SNAPSHOTS } from "./routes/snapshots.ts";

export const ROUTES = { ...SESSIONS, ...EXECUTE, ...FILES, ...SNAPSHOTS } as const satisfies Record<string, Route>;
