// Objects by key: bytes, as base64 in JSON.
import { route } from "../route.ts";
import type { EraRoute } from "../route.ts";
import { cursorAt, EntryPage, jsonOf, OfEntry, OfNamespace, PutObject } from "./contract.ts";
import { OBJECT_BYTES } from "../../data/limits.ts";
import type { EntryInfo, Place } from "../../data/storage.ts";
import { checkSize, missing, useStorage, valueOf } from "./use.ts";

const OF_OBJECT = { path: "/api/storage/r2/{namespace}/{path}", params: OfEntry };

const placeOf = ({ namespace, path }: { readonly namespace: string; readonly path: string }): Place => ({
  kind: "r2",
  namespace,
  key: path,
});

export const OBJECT_ROUTES: readonly EraRoute[] = [
  route({
    ...OF_OBJECT,
    method: "GET",
    async answer(call, { params }) {
      const found = await useStorage(call, (storage) => storage.get(placeOf(params)));
      if (found === null) {
        throw missing(`object ${params.path} in ${params.namespace}`);
      }
      return Response.json({ content: found.bytes.toBase64(), ...told(found) });
    },
  }),
  route({
    ...OF_OBJECT,
    method: "PUT",
    body: PutObject,
    async answer(call, { params, body: { content: bytes, metadata = null } }) {
      checkSize("An object", bytes.byteLength, OBJECT_BYTES);
      const given = { bytes, metadata: JSON.stringify(metadata) };
      const { size } = valueOf(await useStorage(call, (storage) => storage.put(placeOf(params), given)));
      return Response.json({ success: true, size });
    },
  }),
  route({
    ...OF_OBJECT,
    method: "DELETE",
    async answer(call, { params }) {
      const deleted = await useStorage(call, (storage) => storage.remove(placeOf(params)));
      return Response.json({ success: true, deleted });
    },
  }),
  route({
    method: "GET",
    path: "/api/storage/r2/{namespace}",
    params: OfNamespace,
    query: EntryPage,
    async answer(call, { params: { namespace }, query: { prefix, limit, cursor } }) {
      const page = { prefix, limit, after: cursor ?? null };
      const { entries, more } = await useStorage(call, (storage) => storage.list({ kind: "r2", namespace }, page));
      const last = entries.at(-1);
      return Response.json({
        objects: entries.map(told),
        truncated: more,
        cursor: more && last !== undefined ? cursorAt(last.key) : null,
      });
    },
  }),
];

function told({ key, size, metadata, writtenAt }: EntryInfo): Record<string, unknown> {
  const uploaded = new Date(writtenAt).toISOString();
  return { key, size, uploaded, httpMetadata: {}, customMetadata: jsonOf(metadata) ?? {} };
}
