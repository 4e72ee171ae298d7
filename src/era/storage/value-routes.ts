// JSON values by key.
import { valueOf } from "../../lib/problem-error.ts";
import { route } from "../route.ts";
import type { EraRoute } from "../route.ts";
import { jsonOf, PutValue } from "./contract.ts";
import { entryPath, entryRoutes, placeIn } from "./entry-routes.ts";
import { VALUE_BYTES } from "../../data/limits.ts";
import { checkSize, missing, useStorage } from "./use.ts";

export const VALUE_ROUTES: readonly EraRoute[] = [
  route({
    ...entryPath("kv"),
    method: "GET",
    async answer(call, { params }) {
      const found = await useStorage(call, (storage) => storage.get(placeIn("kv", params)));
      if (found === null) {
        throw missing(`value ${params.path} in ${params.namespace}`);
      }
      const value = jsonOf(new TextDecoder().decode(found.bytes));
      return Response.json({ value, metadata: jsonOf(found.metadata) });
    },
  }),
  route({
    ...entryPath("kv"),
    method: "PUT",
    body: PutValue,
    async answer(call, { params, body: { value, metadata = null } }) {
      const bytes = new TextEncoder().encode(JSON.stringify(value));
      checkSize("A value", bytes.byteLength, VALUE_BYTES);
      const content = { bytes, metadata: JSON.stringify(metadata) };
      valueOf(await useStorage(call, (storage) => storage.put(placeIn("kv", params), content)));
      return Response.json({ success: true });
    },
  }),
  ...entryRoutes("kv", ({ entries, cursor }) => ({
    keys: entries.map(({ key, metadata }) => ({ name: key, metadata: jsonOf(metadata) })),
    list_complete: cursor === null,
    cursor,
  })),
];
