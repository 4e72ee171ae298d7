// JSON values by key.
import { route } from "../route.ts";
import type { EraRoute } from "../route.ts";
import { cursorAt, EntryPage, jsonOf, OfEntry, OfNamespace, PutValue } from "./contract.ts";
import { VALUE_BYTES } from "../../data/limits.ts";
import type { Place } from "../../data/storage.ts";
import { checkSize, missing, useStorage, valueOf } from "./use.ts";

const OF_VALUE = { path: "/api/storage/kv/{namespace}/{path}", params: OfEntry };

const placeOf = ({ namespace, path }: { readonly namespace: string; readonly path: string }): Place => ({
  kind: "kv",
  namespace,
  key: path,
});

export const VALUE_ROUTES: readonly EraRoute[] = [
  route({
    ...OF_VALUE,
    method: "GET",
    async answer(call, { params }) {
      const found = await useStorage(call, (storage) => storage.get(placeOf(params)));
      if (found === null) {
        throw missing(`value ${params.path} in ${params.namespace}`);
      }
      const value = jsonOf(new TextDecoder().decode(found.bytes));
      return Response.json({ value, metadata: jsonOf(found.metadata) });
    },
  }),
  route({
    ...OF_VALUE,
    method: "PUT",
    body: PutValue,
    async answer(call, { params, body: { value, metadata = null } }) {
      const bytes = new TextEncoder().encode(JSON.stringify(value));
      checkSize("A value", bytes.byteLength, VALUE_BYTES);
      const content = { bytes, metadata: JSON.stringify(metadata) };
      valueOf(await useStorage(call, (storage) => storage.put(placeOf(params), content)));
      return Response.json({ success: true });
    },
  }),
  route({
    ...OF_VALUE,
    method: "DELETE",
    async answer(call, { params }) {
      const deleted = await useStorage(call, (storage) => storage.remove(placeOf(params)));
      return Response.json({ success: true, deleted });
    },
  }),
  route({
    method: "GET",
    path: "/api/storage/kv/{namespace}",
    params: OfNamespace,
    query: EntryPage,
    async answer(call, { params: { namespace }, query: { prefix, limit, cursor } }) {
      const page = { prefix, limit, after: cursor ?? null };
      const { entries, more } = await useStorage(call, (storage) => storage.list({ kind: "kv", namespace }, page));
      const last = entries.at(-1);
      return Response.json({
        keys: entries.map(({ key, metadata }) => ({ name: key, metadata: jsonOf(metadata) })),
        list_complete: !more,
        cursor: more && last !== undefined ? cursorAt(last.key) : null,
      });
    },
  }),
];
