// What an account has stored, of all kinds.
import { route } from "../route.ts";
import type { EraRoute } from "../route.ts";
import { jsonOf, ResourcePage } from "./contract.ts";
import { ACCOUNT_BYTES, NAMESPACES } from "../../data/limits.ts";
import type { NamespaceStats } from "../../data/storage.ts";
import { useStorage } from "./use.ts";

const KINDS = ["kv", "d1", "r2"] as const;

export const RESOURCE_ROUTES: readonly EraRoute[] = [
  route({
    method: "GET",
    path: "/api/resources/list",
    query: ResourcePage,
    async answer(call, { query: { key_prefix: prefix, ...asked } }) {
      const { resources, total } = await useStorage(call, (storage) => storage.resources({ ...asked, prefix }));
      const { limit, offset } = asked;
      return Response.json({
        resources: resources.map(({ writtenAt, metadata, ...resource }) => ({
          ...resource,
          metadata: jsonOf(metadata),
          updated_at: new Date(writtenAt).toISOString(),
        })),
        total,
        offset,
        limit,
        has_more: offset + resources.length < total,
      });
    },
  }),
  route({
    method: "GET",
    path: "/api/resources/stats",
    async answer(call) {
      const stats = await useStorage(call, (storage) => storage.stats());
      return Response.json({
        total: sum(stats, () => true),
        by_type: Object.fromEntries(KINDS.map((kind) => [kind, sum(stats, ({ type }) => type === kind)])),
        by_namespace: Object.fromEntries(
          stats.map(({ namespace }) => [namespace, sum(stats, (other) => other.namespace === namespace)]),
        ),
        total_size: stats.reduce((bytes, { size }) => bytes + size, 0),
        limits: { total_size: ACCOUNT_BYTES, namespaces: NAMESPACES },
      });
    },
  }),
];

function sum(stats: readonly NamespaceStats[], counts: (stats: NamespaceStats) => boolean): number {
  return stats.filter(counts).reduce((total, { resources }) => total + resources, 0);
}
