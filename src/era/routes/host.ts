// Where a port of a session is seen from outside, and whether this API lives.
import * as z from "zod";
import { previewLabel } from "../../contract/ids.ts";
import { EraId, Port } from "../contract.ts";
import { proxyUrl } from "../environment.ts";
import { route } from "../route.ts";
import type { EraRoute } from "../route.ts";
import { checkPublic, findSession } from "../session.ts";

export const HOST_ROUTES: readonly EraRoute[] = [
  route({
    method: "GET",
    path: "/api/sessions/{id}/host",
    params: z.object({ id: EraId }),
    query: z.object({ port: Port }),
    async answer(call, { params, query: { port } }) {
      const found = await findSession(call, params.id);
      checkPublic(found);
      const { session } = found;
      // Its host begins with the label of the usual port.
      const url = session.previewUrl
        .replace(previewLabel(session.id), previewLabel(session.id, port))
        .replace(/\/$/, "");
      return Response.json({
        url,
        base_url: url,
        session_id: params.id,
        port,
        proxy_url: `${proxyUrl(call.base, params.id)}/${port}`,
      });
    },
  }),
];
