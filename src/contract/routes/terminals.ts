// Terminals of a session. What goes over the WebSocket is in ../terminal.ts.
import * as z from "zod";
import { Paging } from "../primitives.ts";
import { InContainer, OfSession, route } from "../route.ts";
import { SessionRef } from "../session.ts";
import { OpenTerminal, TerminalClosed, TerminalId, TerminalList } from "../terminal.ts";

export const TERMINAL_ROUTES = {
  openTerminal: route({
    method: "get",
    path: "/sessions/{id}/terminal",
    tag: "Terminals",
    scope: "execute",
    summary:
      "Open a terminal, or come back to one, as a WebSocket. Browsers offer their key as the subprotocol " +
      "`buntime.key.<key>` beside `buntime.terminal`",
    params: OfSession,
    query: OpenTerminal,
    answers: { 101: { empty: true } },
    errors: InContainer,
  }),
  listTerminals: route({
    method: "get",
    path: "/sessions/{id}/terminals",
    tag: "Terminals",
    scope: "sessions:read",
    summary: "List terminals, oldest first. Neither wakes the session nor keeps it awake",
    params: OfSession,
    query: Paging,
    answers: { 200: { json: TerminalList } },
    errors: InContainer,
  }),
  closeTerminal: route({
    method: "delete",
    path: "/sessions/{id}/terminals/{terminalId}",
    tag: "Terminals",
    scope: "execute",
    summary: "Close a terminal: its processes are ended, its viewers are told",
    params: z.object({ id: SessionRef, terminalId: TerminalId }),
    answers: { 200: { json: TerminalClosed } },
    errors: [...InContainer, "terminal_not_found"],
  }),
} as const;
