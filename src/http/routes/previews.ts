// Tokens of private previews: make, list, revoke.
import type { Handlers } from "../bind.ts";
import { findSession } from "../session-ref.ts";

export const previewHandlers = {
  async createPreviewToken(call, { params, body }) {
    const session = await findSession(call, params.id);
    return session.ok ? session.value.createPreviewToken(call.principal.accountId, body) : session;
  },

  async listPreviewTokens(call, { params, query }) {
    const session = await findSession(call, params.id);
    return session.ok ? session.value.previewTokens(call.principal.accountId, query) : session;
  },

  async revokePreviewToken(call, { params }) {
    const session = await findSession(call, params.id);
    return session.ok ? session.value.revokePreviewToken(call.principal.accountId, params.tokenId) : session;
  },

  async listPreviewRequests(call, { params, query }) {
    const session = await findSession(call, params.id);
    return session.ok ? session.value.previewRequests(call.principal.accountId, query) : session;
  },
} satisfies Partial<Handlers>;
