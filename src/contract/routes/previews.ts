// Tokens that open a session's private previews.
import * as z from "zod";
import {
  CreatePreviewToken,
  NewPreviewToken,
  PreviewTokenId,
  PreviewTokenList,
  PreviewRequestPage,
  PreviewRequestQuery,
  PreviewTokenRevoked,
} from "../preview.ts";
import { Paging } from "../primitives.ts";
import { OfSession, route } from "../route.ts";
import { SessionRef } from "../session.ts";

export const PREVIEWS = {
  // Takes no `Idempotency-Key`: answers that are replayed are kept, and this one holds a secret.
  createPreviewToken: route({
    method: "post",
    path: "/sessions/{id}/preview-tokens",
    tag: "Previews",
    scope: "sessions:write",
    summary: "Make a token that opens one port of a private preview, for a time",
    params: OfSession,
    body: CreatePreviewToken,
    answers: { 201: { json: NewPreviewToken } },
    errors: ["session_not_found", "conflict", "payload_too_large"],
  }),
  listPreviewTokens: route({
    method: "get",
    path: "/sessions/{id}/preview-tokens",
    tag: "Previews",
    scope: "sessions:read",
    summary: "List preview tokens, without the tokens themselves",
    params: OfSession,
    query: Paging,
    answers: { 200: { json: PreviewTokenList } },
    errors: ["session_not_found"],
  }),
  revokePreviewToken: route({
    method: "delete",
    path: "/sessions/{id}/preview-tokens/{tokenId}",
    tag: "Previews",
    scope: "sessions:write",
    summary: "Revoke a preview token. It opens nothing from then on, and WebSockets that it opened are closed",
    params: z.object({ id: SessionRef, tokenId: PreviewTokenId }),
    answers: { 200: { json: PreviewTokenRevoked } },
    errors: ["session_not_found", "not_found"],
  }),
  listPreviewRequests: route({
    method: "get",
    path: "/sessions/{id}/preview-requests",
    tag: "Previews",
    scope: "sessions:read",
    summary: "List the last requests that the session's previews were asked. Never starts its container",
    params: OfSession,
    query: PreviewRequestQuery,
    answers: { 200: { json: PreviewRequestPage } },
    errors: ["session_not_found"],
  }),
} as const;
