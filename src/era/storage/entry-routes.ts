// What values and objects have in common: they lie at a key in a namespace, are deleted, and listed in pages.
import { route } from "../route.ts";
import type { EraRoute } from "../route.ts";
import { cursorAt, EntryPage, OfEntry, OfNamespace } from "./contract.ts";
import type { EntryInfo, Place } from "../../data/storage.ts";
import { useStorage } from "./use.ts";

interface Listed {
  readonly entries: readonly EntryInfo[];
  /** Where the next page begins. Null: there is none. */
  readonly cursor: string | null;
}

export function entryPath(kind: Place["kind"]): { readonly path: string; readonly params: typeof OfEntry } {
  return { path: `/api/storage/${kind}/{namespace}/{path}`, params: OfEntry };
}

export function placeIn(
  kind: Place["kind"],
  { namespace, path }: { readonly namespace: string; readonly path: string },
): Place {
  return { kind, namespace, key: path };
}

/** `answer`: a page as it is told. */
export function entryRoutes(
  kind: Place["kind"],
  answer: (listed: Listed) => Readonly<Record<string, unknown>>,
): EraRoute[] {
  return [
    route({
      ...entryPath(kind),
      method: "DELETE",
      async answer(call, { params }) {
        const deleted = await useStorage(call, (storage) => storage.remove(placeIn(kind, params)));
        return Response.json({ success: true, deleted });
      },
    }),
    route({
      method: "GET",
      path: `/api/storage/${kind}/{namespace}`,
      params: OfNamespace,
      query: EntryPage,
      async answer(call, { params: { namespace }, query: { prefix, limit, cursor } }) {
        const page = { prefix, limit, after: cursor ?? null };
        const { entries, more } = await useStorage(call, (storage) => storage.list({ kind, namespace }, page));
        const last = entries.at(-1);
        return Response.json(answer({ entries, cursor: more && last !== undefined ? cursorAt(last.key) : null }));
      },
    }),
  ];
}
