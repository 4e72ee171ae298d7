// Terminals over HTTP and WebSocket. Requests come from the session object, which has checked them by the contract; what
// comes over a socket is a stranger's.
import { TERMINALS } from "../../../src/contract/limits.ts";
import type { Problem } from "../../../src/contract/errors.ts";
import type { TerminalClosed } from "../../../src/contract/terminal.ts";
import { TERMINAL_CLOSE } from "../../../src/contract/terminal-wire.ts";
import { SupervisorError } from "../problem.ts";
import { parseCommand } from "./command.ts";
import type { Opened, Terminals } from "./terminals.ts";
import type { Viewer } from "./viewer.ts";

/** What a socket is about, from its beginning to its end. */
interface Connection {
  readonly opened: Opened | Problem;
  readonly after: number;
  readonly willAcknowledge: boolean;
  viewer: Viewer | null;
  heardAt: number;
  pinging: ReturnType<typeof setInterval> | null;
}

export type TerminalSocketData = Connection;
type Socket = Bun.ServerWebSocket<Connection>;

export async function openTerminal(
  terminals: Terminals,
  request: Request,
  server: Bun.Server<Connection>,
): Promise<Response | undefined> {
  const { searchParams } = new URL(request.url);
  const number = (name: string): number | null => {
    const text = searchParams.get(name);
    return text === null ? null : Number(text);
  };
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    throw new SupervisorError("invalid_request", "A terminal is a WebSocket: send `Upgrade: websocket`");
  }
  const opened = await attempt(
    terminals.open({
      id: searchParams.get("id") ?? "",
      create: searchParams.get("create") === "true",
      command: searchParams.get("command"),
      cols: number("cols"),
      rows: number("rows"),
    }),
  );
  const willAcknowledge = searchParams.get("ack") === "true";
  const data: Connection = {
    opened,
    after: number("after") ?? 0,
    willAcknowledge,
    viewer: null,
    heardAt: 0,
    pinging: null,
  };
  // Else its client has gone meanwhile.
  return server.upgrade(request, { data }) ? undefined : new Response(null, { status: 400 });
}

export function listTerminals(terminals: Terminals, url: URL): Response {
  const number = (name: string, absent: number): number => Number(url.searchParams.get(name) ?? absent);
  return Response.json(terminals.list({ limit: number("limit", 50), offset: number("offset", 0) }));
}

export async function closeTerminal(terminals: Terminals, terminalId: string): Promise<Response> {
  await terminals.close(terminalId);
  return Response.json({ closed: true, terminalId } satisfies TerminalClosed);
}

/** A socket is closed after so long without a sign of life. */
export function terminalSockets(silenceMs: number): Bun.WebSocketHandler<Connection> {
  return {
    maxPayloadLength: TERMINALS.messageBytes,
    backpressureLimit: TERMINALS.keptBytes,
    open(socket) {
      const { data } = socket;
      const { opened } = data;
      if (!("terminal" in opened)) {
        refuse(socket, opened);
        return;
      }
      const { terminal, created } = opened;
      const { after, willAcknowledge } = data;
      data.viewer = terminal.attach(socket, { after, created, willAcknowledge });
      if (data.viewer === null) {
        const message = `This terminal has ${TERMINALS.viewers} viewers, which is the most. Close another one first.`;
        refuse(socket, { code: "conflict", message });
        return;
      }
      data.heardAt = performance.now();
      data.pinging = setInterval(() => {
        if (performance.now() - data.heardAt >= silenceMs)
          data.viewer?.close(TERMINAL_CLOSE.silent, "nothing was heard");
        else data.viewer?.tell({ type: "ping" }, { mayBeLeftOut: true });
      }, silenceMs / SILENT_PINGS);
    },
    message(socket, message) {
      const { data } = socket;
      const { opened, viewer } = data;
      if (!("terminal" in opened) || viewer === null) return;
      data.heardAt = performance.now();
      if (typeof message !== "string") {
        opened.terminal.type(viewer, message);
        return;
      }
      const command = parseCommand(message);
      const wrong = typeof command === "string" ? command : opened.terminal.obey(viewer, command);
      if (wrong === null) return;
      const text = `This message was not understood: ${wrong}. What is typed is sent as binary messages.`;
      viewer.tell({ type: "error", error: { code: "invalid_request", message: text } }, { mayBeLeftOut: true });
    },
    drain({ data: { opened, viewer } }) {
      if ("terminal" in opened && viewer !== null) opened.terminal.drained(viewer);
    },
    close({ data: { opened, viewer, pinging } }, code) {
      if (pinging !== null) clearInterval(pinging);
      if ("terminal" in opened && viewer !== null) opened.terminal.detach(viewer, code);
    },
  };
}

/** So many are sent in the time after which a viewer that answers none is cut. */
const SILENT_PINGS = TERMINALS.silenceMs / TERMINALS.pingMs;

function refuse(socket: Socket, error: Problem): void {
  socket.send(JSON.stringify({ type: "error", error }));
  const isGone = error.code === "terminal_not_found";
  socket.close(isGone ? TERMINAL_CLOSE.gone : TERMINAL_CLOSE.refused, error.code);
}

/** A browser is told nothing of an HTTP answer to a WebSocket: what is refused here is told over one. */
async function attempt(opening: Promise<Opened>): Promise<Opened | Problem> {
  try {
    return await opening;
  } catch (error) {
    if (error instanceof SupervisorError) return error.problem;
    throw error;
  }
}
