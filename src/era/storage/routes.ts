// KV, SQL and objects for the code of sessions: `/api/storage/…` and `/api/resources/…`.
import type { EraRoute } from "../route.ts";
import { OBJECT_ROUTES } from "./object-routes.ts";
import { RESOURCE_ROUTES } from "./resource-routes.ts";
import { SQL_ROUTES } from "./sql-routes.ts";
import { VALUE_ROUTES } from "./value-routes.ts";

export const STORAGE_ROUTES: readonly EraRoute[] = [
  ...VALUE_ROUTES,
  ...SQL_ROUTES,
  ...OBJECT_ROUTES,
  ...RESOURCE_ROUTES,
];
