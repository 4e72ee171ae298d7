// Copies of a session.
import * as z from "zod";
import { SNAPSHOTS } from "../../contract/routes/snapshots.ts";
import type { EraCall } from "../call.ts";
import { DuplicateBody, EraId, SETTINGS_KEY } from "../contract.ts";
import type { EraData } from "../contract.ts";
import { orDelete } from "../creation.ts";
import { replaceData } from "../data.ts";
import { record } from "../record.ts";
import { route } from "../route.ts";
import type { EraRoute } from "../route.ts";
import { findSession } from "../session.ts";
import { refuseDuringSetup } from "../setup.ts";

const ID_CHARACTERS = 64;

export const DUPLICATE_ROUTES: readonly EraRoute[] = [
  route({
    method: "POST",
    path: "/api/sessions/{id}/duplicate",
    params: z.object({ id: EraId }),
    body: DuplicateBody,
    async answer(call, { params, body }) {
      const original = await findSession(call, params.id);
      await refuseDuringSetup(call, original);
      const name = body.new_id ?? body.id ?? copyName(params.id, Date.now());
      const { session, settings } = original;
      const { id } = await call.api.call(SNAPSHOTS.forkSession, {
        params: { id: session.id },
        body: {
          name,
          ttl: call.plan.ttlMaxSeconds,
          metadata: { ...session.metadata, [SETTINGS_KEY]: { ...settings, implicit: false } },
        },
      });
      const copy = await orDelete(call, id, complete(call, { id, name, data: body.data }));
      return Response.json({ ...copy, source_session_id: params.id }, { status: 201 });
    },
  }),
];

async function complete(
  call: EraCall,
  { id, name, data }: { readonly id: string; readonly name: string; readonly data: EraData | undefined },
): Promise<Record<string, unknown>> {
  if (data !== undefined) {
    await replaceData(call, id, data);
  }
  return record(call, await findSession(call, name));
}

function copyName(id: string, now: number): string {
  const end = `-copy-${now}`;
  return `${id.slice(0, ID_CHARACTERS - end.length)}${end}`;
}
