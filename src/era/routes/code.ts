// The code that a session keeps.
import * as z from "zod";
import { ProblemError } from "../../lib/problem-error.ts";
import { CodeBody, EraId } from "../contract.ts";
import { route } from "../route.ts";
import type { EraRoute } from "../route.ts";
import { findSession } from "../session.ts";
import { readCode, storeCode } from "../stored-code.ts";

const OfCode = { path: "/api/sessions/{id}/code", params: z.object({ id: EraId }) };

export const CODE_ROUTES: readonly EraRoute[] = [
  route({
    ...OfCode,
    method: "PUT",
    body: CodeBody,
    async answer(call, { params, body }) {
      const { session } = await findSession(call, params.id);
      const updatedAt = new Date().toISOString();
      await storeCode(call, session.id, { ...body, updated_at: updatedAt });
      return Response.json({ success: true, code_length: body.code.length, updated_at: updatedAt });
    },
  }),
  route({
    ...OfCode,
    method: "GET",
    async answer(call, { params }) {
      const { session } = await findSession(call, params.id);
      const stored = await readCode(call, session.id);
      if (stored === null) {
        throw new ProblemError("not_found", `Session ${params.id} has no code stored. Store it with PUT.`);
      }
      return Response.json({ ...stored, code_length: stored.code.length });
    },
  }),
];
