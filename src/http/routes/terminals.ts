// Terminals: open one as a WebSocket, list, close.
import { newId } from "../../contract/ids.ts";
import { TERMINAL_PROTOCOL } from "../../contract/terminal-wire.ts";
import { fail } from "../../lib/result.ts";
import { keyHeader, SESSION_HEADERS } from "../../session/rpc.ts";
import type { Handlers } from "../bind.ts";
import { findSession } from "../session-ref.ts";

export const terminalHandlers = {
  async openTerminal({ request, ...call }, { params, query }) {
    const { accountId } = call.principal;
    const session = await findSession({ request, ...call }, params.id);
    if (!session.ok) {
      return session;
    }
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      // Whoever may not know of the session learns nothing else about it.
      const seen = await session.value.terminals(accountId, { limit: 1, offset: 0 });
      return seen.ok ? fail("invalid_request", "A terminal is a WebSocket. Send `Upgrade: websocket`.") : seen;
    }
    const { id, create, ...options } = query;
    // Named here: a call that is sent again after its connection broke must not open a second one.
    const target = new URLSearchParams({ id: id ?? newId("trm"), create: String(create || id === undefined) });
    for (const [name, value] of Object.entries(options)) {
      if (value !== undefined) {
        target.set(name, String(value));
      }
    }
    const headers = {
      [SESSION_HEADERS.account]: accountId,
      [SESSION_HEADERS.key]: keyHeader(call.principal),
      upgrade: "websocket",
    };
    const answer = await session.value.fetch(
      new Request(`http://supervisor/terminal?${target.toString()}`, { headers }),
    );
    const { webSocket } = answer;
    if (webSocket === null) {
      return answer;
    }
    const offered = request.headers.get("sec-websocket-protocol")?.split(",") ?? [];
    const agreed = offered.some((name) => name.trim() === TERMINAL_PROTOCOL);
    const agreement = new Headers(agreed ? { "sec-websocket-protocol": TERMINAL_PROTOCOL } : {});
    return new Response(null, { status: 101, headers: agreement, webSocket });
  },

  async listTerminals(call, { params, query }) {
    const session = await findSession(call, params.id);
    return session.ok ? session.value.terminals(call.principal.accountId, query) : session;
  },

  async closeTerminal(call, { params }) {
    const session = await findSession(call, params.id);
    return session.ok ? session.value.closeTerminal(call.principal.accountId, params.terminalId) : session;
  },
} satisfies Partial<Handlers>;
