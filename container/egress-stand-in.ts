// Stands in for the network sidecar that workerd puts beside every container in Docker, where the real image cannot be
// pulled (see scripts/docker/images.sh). It shares the container's network namespace and tunnels
// `CONNECT host:port` to 127.0.0.1:port. Outbound traffic, the real one's other task, is left to Docker's own network, or
// has no way at all.
// It has to listen within milliseconds: workerd asks once, and then again only after 200 ms. So nothing is imported.
import type { Socket } from "bun";

/** One end of a tunnel. While bytes wait to be written to it, its peer is paused. */
interface End {
  peer: Socket<End> | null;
  readonly backlog: Uint8Array[];
  /** Once the backlog is written: "finish" says that no more comes and goes on reading, as the peer's other side did. */
  afterwards: "stay" | "finish" | "close";
  /** What has come of a `PUT /egress`. */
  rules: string;
}

/** Where workerd expects it. */
const PORT = 39_001;
const RULES_BYTES = 65_536;

const newEnd = (peer: Socket<End> | null): End => ({ peer, backlog: [], afterwards: "stay", rules: "" });

function send(to: Socket<End>, bytes: Uint8Array): void {
  const { backlog, peer } = to.data;
  const written = backlog.length > 0 ? 0 : Math.max(0, to.write(bytes));
  if (written === bytes.length) return;
  backlog.push(bytes.subarray(written)); // Bun does not use the buffer again
  peer?.pause();
}

function drain(socket: Socket<End>): void {
  const { backlog, peer } = socket.data;
  for (let first = backlog[0]; first !== undefined; first = backlog[0]) {
    const written = Math.max(0, socket.write(first));
    if (written < first.length) {
      backlog[0] = first.subarray(written);
      return;
    }
    backlog.shift();
  }
  peer?.resume();
  conclude(socket);
}

/** Closed with bytes unread, a socket takes back what it has sent: one whose other side still sends is only finished. */
function conclude(socket: Socket<End>): void {
  const { backlog, afterwards } = socket.data;
  if (backlog.length > 0) return;
  if (afterwards === "finish") socket.shutdown();
  else if (afterwards === "close") socket.end();
}

function finish(socket: Socket<End>): void {
  const { peer } = socket.data;
  if (peer === null) {
    socket.end();
    return;
  }
  if (peer.data.afterwards === "stay") peer.data.afterwards = "finish";
  conclude(peer);
}

function close({ data: { peer } }: Socket<End>): void {
  if (peer === null) return;
  peer.data.afterwards = "close";
  conclude(peer);
}

function relay(socket: Socket<End>, bytes: Uint8Array): void {
  if (socket.data.peer !== null) send(socket.data.peer, bytes);
}

const status = (line: string): string => `HTTP/1.1 ${line}\r\ncontent-length: 0\r\n\r\n`;
/** As it is until somebody says otherwise. */
let wayOut: "open" | "closed" = "open";

/** `PUT /egress`, before every start of the container: of `{port, dns, internet: {enabled}}` the last is heeded. */
async function configure(client: Socket<End>, text: string): Promise<void> {
  client.data.rules += text;
  const [, head = "", body = ""] = /^([^]*?)\r\n\r\n([^]*)$/.exec(client.data.rules) ?? [];
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  if (client.data.rules.length > RULES_BYTES) {
    client.end(status("413 Content Too Large"));
    return;
  }
  if (head === "" || body.length < length) return;
  client.data.rules = "";
  try {
    const { internet }: { internet?: { enabled: boolean } } = length === 0 ? {} : JSON.parse(body);
    const asked = internet === undefined ? wayOut : internet.enabled ? "open" : "closed";
    if (asked !== wayOut) {
      const { isGateway, setWayOut } = await import("./egress-cut.ts");
      if (!isGateway(client.remoteAddress)) {
        client.write(status("403 Forbidden")); // the code of a session, which reaches this port as well
        return;
      }
      setWayOut(asked);
      wayOut = asked;
    }
    client.write(status("200 OK"));
  } catch (error) {
    console.error(error);
    client.write(status("500 Internal Server Error")); // and the container does not start
  }
}

/** workerd sends the head of a request in one piece. */
async function request(client: Socket<End>, bytes: Uint8Array): Promise<void> {
  const text = new TextDecoder("latin1").decode(bytes);
  const port = /^CONNECT \S*:(\d+) /.exec(text)?.[1];
  if (port === undefined) {
    await configure(client, text);
    return;
  }
  const early = bytes.subarray(text.indexOf("\r\n\r\n") + 4);
  client.pause();
  try {
    const socket = { data: relay, drain, end: finish, close };
    const to = { hostname: "127.0.0.1", port: Number(port), allowHalfOpen: true };
    const upstream = await Bun.connect({ ...to, data: newEnd(client), socket });
    client.data.peer = upstream;
    client.write("HTTP/1.1 200 OK\r\n\r\n");
    if (early.length > 0) send(upstream, early);
    client.resume();
  } catch {
    client.end(status("400 Bad Request")); // to workerd: nothing listens
  }
}

Bun.listen<End>({
  hostname: "0.0.0.0",
  port: PORT,
  allowHalfOpen: true,
  socket: {
    open(socket) {
      socket.data = newEnd(null);
    },
    data: (socket, bytes) => (socket.data.peer === null ? request(socket, bytes) : relay(socket, bytes)),
    drain,
    end: finish,
    close,
  },
});

// The real one answers name queries itself. This file is the container's, too.
const nameservers = (process.env["NAMESERVERS"] ?? "").split(" ").filter((address) => address !== "");
if (nameservers.length > 0) {
  await Bun.write("/etc/resolv.conf", nameservers.map((address) => `nameserver ${address}\n`).join(""));
}
