// Objects by key: bytes, as base64 in JSON.
import { valueOf } from "../../lib/problem-error.ts";
import { route } from "../route.ts";
import type { EraRoute } from "../route.ts";
import { jsonOf, PutObject } from "./contract.ts";
import { entryPath, entryRoutes, placeIn } from "./entry-routes.ts";
import { OBJECT_BYTES } from "../../data/limits.ts";
import type { EntryInfo } from "../../data/storage.ts";
import { checkSize, missing, useStorage } from "./use.ts";

export const OBJECT_ROUTES: readonly EraRoute[] = [
  route({
    ...entryPath("r2"),
    method: "GET",
    async answer(call, { params }) {
      const found = await useStorage(call, (storage) => storage.get(placeIn("r2", params)));
      if (found === null) {
        throw missing(`object ${params.path} in ${params.namespace}`);
      }
      return Response.json({ content: found.bytes.toBase64(), ...told(found) });
    },
  }),
  route({
    ...entryPath("r2"),
    method: "PUT",
    body: PutObject,
    async answer(call, { params, body: { content: bytes, metadata = null } }) {
      checkSize("An object", bytes.byteLength, OBJECT_BYTES);
      const given = { bytes, metadata: JSON.stringify(metadata) };
      const { size } = valueOf(await useStorage(call, (storage) => storage.put(placeIn("r2", params), given)));
      return Response.json({ success: true, size });
    },
  }),
  ...entryRoutes("r2", ({ entries, cursor }) => ({
    objects: entries.map(told),
    truncated: cursor !== null,
    cursor,
  })),
];

function told({ key, size, metadata, writtenAt }: EntryInfo): Record<string, unknown> {
  const uploaded = new Date(writtenAt).toISOString();
  return { key, size, uploaded, httpMetadata: {}, customMetadata: jsonOf(metadata) ?? {} };
}
